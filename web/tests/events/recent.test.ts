// @vitest-environment jsdom
import { expect, test } from 'vitest'
import type { EventRecord } from '~/events/api'
import { matches, merge } from '~/events/recent'
import type { LiveEvent } from '~/live/stream'

const record = (id: number): EventRecord => ({ id }) as EventRecord

test('what was read and what came since is one list: newest first, each once, no longer than it may be', () => {
  expect(merge([record(5), record(4)], [record(4), record(3)]).map((one) => one.id)).toEqual([5, 4, 3])
  expect(merge([record(9)], [record(8), record(7)], 2).map((one) => one.id)).toEqual([9, 8])
})

test('a live event is shown only where the filter would have found it', () => {
  const event = { type: 'job_failed', cluster_id: 'c1', job_id: 'j1', droplet_id: null, trace_id: 't1' } as LiveEvent
  expect(matches({ cluster_id: 'c1', type: 'job_failed' }, event)).toBe(true)
  expect(matches({ cluster_id: 'c2' }, event)).toBe(false)
  expect(matches({ droplet_id: 'd1' }, event)).toBe(false)
})
