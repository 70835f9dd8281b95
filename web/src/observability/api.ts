/** The worker pool and the bus, as the API has them. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok } from '~/api/client'

export interface Worker {
  id: string
  host: string
  pid: number
  state: string
  slots: number
  started_at: string
  lease_until: string
}

export interface WorkerPool {
  worker_id: string
  worker_count: number
  queue_capacity: number
  active_workers: number
  queue_length: number
  stopping: boolean
  queue: { scheduled: number; ready: number; running: number; oldest_ready_seconds: number; workers: Worker[] }
}

const EVERY = 5000

export const workerPool = () =>
  queryOptions({
    queryKey: ['observability', 'workerpool'],
    queryFn: async ({ signal }) =>
      (await ok(api.GET('/api/v1/observability/workerpool', { signal }))) as unknown as WorkerPool,
    refetchInterval: EVERY,
  })

export const busStatus = () =>
  queryOptions({
    queryKey: ['observability', 'bus'],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/observability/bus', { signal })),
    refetchInterval: EVERY,
  })
