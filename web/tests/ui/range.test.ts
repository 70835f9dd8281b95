import { expect, test } from 'vitest'
import { moment, stepOf, wider, windowOf } from '~/ui/range'

const now = Date.parse('2026-11-23T12:00:00Z')

test('a quick range ends now, an exact one where it says', () => {
  expect(windowOf({ range: '15m' }, now)).toEqual({ from: now - 900_000, to: now, live: true })
  const exact = windowOf({ from: '2026-11-23T10:00:00Z', to: '2026-11-23T11:00:00Z' }, now)
  expect(exact).toEqual({ from: now - 7_200_000, to: now - 3_600_000, live: false })
})

test('about 300 points make a line, whatever the range', () => {
  expect(stepOf(windowOf({ range: '24h' }, now))).toBe(288)
  expect(stepOf({ from: now - 10_000, to: now, live: true })).toBe(2)
})

test('wider is twice as wide and never in the future', () => {
  const { from, to } = wider(windowOf({ range: '1h' }, now), now)
  expect(Date.parse(to)).toBe(now)
  expect(Date.parse(to) - Date.parse(from)).toBe(7_200_000)
})

test('only moments are moments', () => {
  expect(moment('yesterday')).toBeUndefined()
  expect(moment('2026-11-23T12:00:00+02:00')).toBe('2026-11-23T10:00:00.000Z')
})
