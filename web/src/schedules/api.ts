/** Schedules as the API has them: jobs by the clock. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok, type Schemas } from '~/api/client'

export type Schedule = Schemas['jobs_schedules_Schedule']
export type ScheduleSpec = Schemas['ScheduleSpec']

export const SORTABLE = ['name', 'created_at', 'next_run_at', 'last_run_at'] as const
export const MISFIRES = ['fire_once', 'skip', 'all'] as const

export interface ScheduleFilter {
  page?: number
  page_size?: number
  sort_by?: string
  sort_dir?: 'asc' | 'desc'
}

/** Slots pass without an event of their own: the list is read again now and then. */
export const scheduleList = (filter: ScheduleFilter) =>
  queryOptions({
    queryKey: ['schedules', 'list', filter],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/schedules', { params: { query: filter }, signal })),
    refetchInterval: 15_000,
  })

/** A cron expression in words, and the next moments; nothing is kept. */
export const schedulePreview = (cron: string, timeZone: string) =>
  queryOptions({
    queryKey: ['schedules', 'preview', cron, timeZone],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/schedules/preview', { params: { query: { cron, time_zone: timeZone } }, signal })),
    enabled: cron.trim() !== '' && timeZone.trim() !== '',
    placeholderData: undefined,
    retry: false,
  })

const at = (id: string) => ({ params: { path: { schedule_id: id } } })

export const createSchedule = (body: ScheduleSpec) => ok(api.POST('/api/v1/schedules', { body }))

export const changeSchedule = (id: string, body: ScheduleSpec) =>
  ok(api.PUT('/api/v1/schedules/{schedule_id}', { ...at(id), body }))

export const deleteSchedule = (id: string) => ok(api.DELETE('/api/v1/schedules/{schedule_id}', at(id)))

export const runSchedule = (id: string) => ok(api.POST('/api/v1/schedules/{schedule_id}/run', at(id)))

/** What a change sends: all of it, with the version it was read at. */
export function specOf(schedule: Schedule, change: Partial<ScheduleSpec> = {}): ScheduleSpec {
  const { name, cron, time_zone, type, misfire, paused, version } = schedule
  const parameters = schedule.parameters as ScheduleSpec['parameters']
  return {
    name,
    cron,
    time_zone,
    type,
    parameters,
    misfire: misfire as ScheduleSpec['misfire'],
    paused,
    version,
    ...change,
  }
}
