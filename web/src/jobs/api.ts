/** Jobs as the API has them: asked for, followed, cancelled and tried again. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok, type Schemas } from '~/api/client'

export type Job = Schemas['Job']
export type Attempt = Schemas['Attempt']

export const STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const
export const TYPES = ['provision', 'scale', 'diagnose', 'monitor', 'noop'] as const
export const SORTABLE = ['created_at', 'status', 'type', 'progress'] as const

export interface JobFilter {
  cluster_id?: string
  droplet_id?: string
  type?: string
  status?: string
  trace_id?: string
  /** Tell as well how many there are of each status. */
  counts?: boolean
  page?: number
  page_size?: number
  sort_by?: string
  sort_dir?: 'asc' | 'desc'
}

export const jobList = (filter: JobFilter) =>
  queryOptions({
    queryKey: ['jobs', 'list', filter],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/jobs', { params: { query: filter }, signal })),
  })

const at = (id: string) => ({ params: { path: { job_id: id } } })

export const jobOne = (id: string) =>
  queryOptions({
    queryKey: ['jobs', 'one', id],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/jobs/{job_id}', { ...at(id), signal })),
    placeholderData: undefined,
  })

export const jobAttempts = (id: string) =>
  queryOptions({
    queryKey: ['jobs', 'one', id, 'attempts'],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/jobs/{job_id}/attempts', { ...at(id), signal })),
    placeholderData: undefined,
  })

export const createJob = (
  body: Schemas['JobRequest'],
  key: string = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
) => ok(api.POST('/api/v1/jobs', { body, params: { header: { 'Idempotency-Key': key } } }))

export const cancelJob = (id: string) => ok(api.POST('/api/v1/jobs/{job_id}/cancel', at(id)))

export const retryJob = (id: string) => ok(api.POST('/api/v1/jobs/{job_id}/retry', at(id)))

export const actOnJobs = (action: 'cancel' | 'retry', ids: string[]) =>
  ok(api.POST('/api/v1/jobs/bulk', { body: { action, ids } }))

/** How many there are of each status, by the other filters. */
export const jobCounts = ({ cluster_id, type, trace_id }: JobFilter) =>
  queryOptions({
    queryKey: ['jobs', 'list', 'counts', { cluster_id, type, trace_id }],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/jobs/counts', { params: { query: { cluster_id, type, trace_id } }, signal })),
  })

/** What the job remembers to have done: tried again, it goes on after that. */
export const jobSteps = (id: string) =>
  queryOptions({
    queryKey: ['jobs', 'one', id, 'steps'],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/jobs/{job_id}/steps', { ...at(id), signal })),
    placeholderData: undefined,
  })

/** Whether a job has come to its end, one way or another. */
export const ended = (job: Pick<Job, 'status'>): boolean => job.status !== 'pending' && job.status !== 'running'
