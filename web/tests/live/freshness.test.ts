import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Freshness, patchJob, staleKeys } from '~/live/freshness'
import type { LiveEvent } from '~/live/stream'

const event = (more: Partial<LiveEvent>): LiveEvent => ({
  id: 1,
  type: 'job_progress',
  key: 'job-1',
  seq: 1,
  message: '',
  job_id: null,
  job_type: null,
  cluster_id: null,
  droplet_id: null,
  progress: null,
  timestamp: '2026-11-23T05:00:00Z',
  trace_id: null,
  payload: {},
  ...more,
})

const row = { id: 'job-1', progress: 10, message: 'begun', status: 'running' }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('an event makes old what it is about, and nothing else', () => {
  const keys = staleKeys(event({ type: 'droplet_lost', droplet_id: 'd1', cluster_id: 'c1' })).map(String)
  expect(keys).toContain('droplets,one,d1')
  expect(keys).toContain('clusters,one,c1')
  expect(keys.some((key) => key.startsWith('jobs'))).toBe(false)
})

test('a row takes what an event says of it, and is the same object when the event is about another', () => {
  expect(patchJob(row, event({ job_id: 'job-1', progress: 75, message: 'ordered' }))).toEqual({
    ...row,
    progress: 75,
    message: 'ordered',
  })
  expect(patchJob(row, event({ type: 'job_failed', job_id: 'job-1', message: 'no room' })).status).toBe('failed')
  expect(patchJob(row, event({ job_id: 'job-2', progress: 75 }))).toBe(row)
})

test('events that come together lead to one fetch, 150 ms later', async () => {
  const client = new QueryClient()
  let fetched = 0
  const count = () => {
    fetched += 1
    return fetched
  }
  const observer = new QueryObserver(client, {
    queryKey: ['jobs', 'list', {}],
    queryFn: () => ({ jobs: [row], n: count() }),
    staleTime: 60_000,
  })
  const leave = observer.subscribe(() => undefined)
  await vi.advanceTimersByTimeAsync(1)
  const freshness = new Freshness(client, () => false)
  for (let id = 1; id <= 50; id += 1) freshness.take([event({ id, job_id: 'job-1', progress: id })])
  await vi.advanceTimersByTimeAsync(100)
  expect(fetched).toBe(1)
  await vi.advanceTimersByTimeAsync(100)
  expect(fetched).toBe(2)
  leave()
})

test('a hidden tab fetches nothing until it is looked at', async () => {
  const client = new QueryClient()
  let fetched = 0
  const count = () => {
    fetched += 1
    return fetched
  }
  const observer = new QueryObserver(client, {
    queryKey: ['jobs', 'list', {}],
    queryFn: () => ({ jobs: [], n: count() }),
    staleTime: 60_000,
  })
  const leave = observer.subscribe(() => undefined)
  await vi.advanceTimersByTimeAsync(1)
  const freshness = new Freshness(client, () => true)
  freshness.take([event({ job_id: 'job-1' })])
  await vi.advanceTimersByTimeAsync(500)
  expect(fetched).toBe(1)
  freshness.wake()
  await vi.advanceTimersByTimeAsync(1)
  expect(fetched).toBe(2)
  leave()
})
