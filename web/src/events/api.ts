/** The event log and its dead letters, as the API has them. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok, type Schemas } from '~/api/client'

export type EventRecord = Schemas['EventRecord']
export type DeadLetter = Schemas['DeadLetter']

export const TYPES = [
  'job_requested',
  'job_started',
  'job_progress',
  'job_completed',
  'job_failed',
  'job_cancelled',
  'cluster_created',
  'cluster_updated',
  'cluster_deleted',
  'droplet_created',
  'droplet_active',
  'droplet_updated',
  'droplet_deleted',
  'droplet_lost',
  'droplet_migrated',
  'metric_threshold_exceeded',
  'autoscale_decision',
  'diagnosis_completed',
] as const

export interface EventFilter {
  cluster_id?: string
  job_id?: string
  droplet_id?: string
  trace_id?: string
  type?: string
}

/** Newest first. */
export const eventList = (filter: EventFilter, size = 100) =>
  queryOptions({
    queryKey: ['events', 'list', filter, size],
    queryFn: ({ signal }) => {
      const { type, ...rest } = filter
      const query = { ...rest, ...(type ? { type: [type] } : {}), page_size: size }
      return ok(api.GET('/api/v1/events', { params: { query }, signal }))
    },
  })

export const deadLetterList = (page: number, size = 20) =>
  queryOptions({
    queryKey: ['observability', 'dead-letters', page, size],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/events/dead-letters', { params: { query: { page, page_size: size } }, signal })),
  })

export const replayDeadLetter = (id: number) =>
  ok(api.POST('/api/v1/events/dead-letters/{dead_letter_id}/replay', { params: { path: { dead_letter_id: id } } }))
