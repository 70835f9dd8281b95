import { expect, test } from 'vitest'
import type { Attempt } from '~/jobs/api'
import { compared, median } from '~/jobs/runs'
import type { Step } from '~/jobs/timeline'
import { barsOf } from '~/jobs/waterfall'

const at = (second: number) => new Date(Date.UTC(2026, 2, 2, 12, 0, second)).toISOString()
const attempt = (fence: number, from: number, to: number | null, outcome: string) =>
  ({ attempt: fence, fence, started_at: at(from), ended_at: to === null ? null : at(to), outcome }) as Attempt
const step = (second: number, title: string) =>
  ({ key: title, at: at(second), title, type: 'job_progress', parts: [] }) as unknown as Step

test('waiting, attempts and what was said in them fill the time without a gap', () => {
  const job = { created_at: at(0), completed_at: at(10) }
  const attempts = [attempt(1, 2, 4, 'retry'), attempt(2, 6, 10, 'completed')]
  const { bars, end } = barsOf(job, attempts, [step(3, 'one'), step(7, 'two'), step(9, 'three')], 0)
  expect(end).toBe(10_000)
  expect(bars.map((bar) => [bar.label, bar.from, bar.to])).toEqual([
    ['waiting', 0, 2000],
    ['attempt 1', 2000, 4000],
    ['one', 3000, 4000],
    ['waiting', 4000, 6000],
    ['attempt 2', 6000, 10_000],
    ['two', 7000, 9000],
    ['three', 9000, 10_000],
  ])
})

test('what has not begun is one bar of waiting, up to now', () => {
  const { bars, end } = barsOf({ created_at: at(0), completed_at: null }, [], [], Date.parse(at(5)))
  expect([end, bars.map((bar) => bar.label)]).toEqual([5000, ['waiting']])
})

test('a run is compared with the others of its type, not with itself', () => {
  const run = (id: string, seconds: number) => ({ id, started_at: at(0), completed_at: at(seconds) })
  expect(compared(run('a', 30), [run('a', 30), run('b', 10), run('c', 10)])).toContain('longer than usual')
  expect(compared(run('a', 30), [run('a', 30)])).toContain('No other run')
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1])).toBe(2.5)
  expect(median([])).toBeNull()
})
