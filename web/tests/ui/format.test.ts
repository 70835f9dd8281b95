import { expect, test } from 'vitest'
import { absolute, bytes, dollars, duration, percent, perHour, perMonth, plural, relative } from '~/ui/format'

test('money keeps the digits that tell small prices apart', () => {
  expect(perHour(8_930)).toBe('$0.0089/h')
  expect(perHour(1_071_430_000)).toBe('$1,071.43/h')
  expect(perMonth(8_930)).toBe('$6.52/mo')
  expect(perHour(0)).toBe('free')
  expect(dollars(-35_710)).toBe('−$0.0357')
})

test('durations have the two units that matter', () => {
  expect(duration(0.004)).toBe('4 ms')
  expect(duration(1.24)).toBe('1.2 s')
  expect(duration(59.6)).toBe('1 min')
  expect(duration(8040)).toBe('2 h 14 min')
  expect(duration(86_400 * 3)).toBe('3 d')
  expect(duration(3605)).toBe('1 h')
})

test('moments are said as they are felt, before and after now', () => {
  const now = Date.parse('2026-11-23T12:00:00Z')
  expect(relative('2026-11-23T11:57:00Z', now)).toBe('3 min ago')
  expect(relative('2026-11-23T14:00:30Z', now)).toBe('in 2 h')
  expect(relative('2026-11-23T11:59:58Z', now)).toBe('just now')
})

test('an exact moment names its zone', () => {
  expect(absolute('2026-11-23T05:33:24.719Z', 'utc')).toBe('2026-11-23 05:33:24 UTC')
})

test('sizes, shares and counts', () => {
  expect(bytes(1_187_840)).toBe('1.1 MiB')
  expect(bytes(512)).toBe('512 B')
  expect(percent(0.09)).toBe('0.1 %')
  expect(percent(null)).toBe('–')
  expect(plural(1, 'droplet')).toBe('1 droplet')
  expect(plural(10_000, 'droplet')).toBe('10,000 droplets')
})
