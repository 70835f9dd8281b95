/** What happened while something was measured: jobs, scaling, deployments and losses, as marks on the charts. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok } from '~/api/client'
import type { EventRecord } from '~/events/api'
import type { Whose } from '~/monitoring/api'
import type { Mark } from '~/ui/chart'
import { type Range, windowOf } from '~/ui/range'

const TONES: Record<string, Mark['tone']> = {
  job_completed: 'ok',
  job_failed: 'bad',
  job_cancelled: 'idle',
  cluster_updated: 'busy',
  droplet_active: 'ok',
  droplet_lost: 'bad',
  droplet_deleted: 'idle',
  metric_threshold_exceeded: 'warn',
  autoscale_decision: 'busy',
}
const MOST = 100

/** Newest first. A monitor job every few seconds would hide what matters: those are left out. */
export const marksOf = (whose: Whose, range: Range) =>
  queryOptions({
    queryKey: ['events', 'marks', whose, range],
    queryFn: async ({ signal }): Promise<EventRecord[]> => {
      const { from, to } = windowOf(range)
      const query = {
        ...whose,
        type: Object.keys(TONES),
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        page_size: MOST,
      }
      const { events } = await ok(api.GET('/api/v1/events', { params: { query }, signal }))
      return events.filter((event) => event.job_type !== 'monitor' && event.job_type !== 'noop')
    },
  })

export const toneOf = (event: EventRecord): Mark['tone'] => TONES[event.type] ?? 'busy'

export const markOf = (event: EventRecord): Mark => ({ at: Date.parse(event.timestamp), tone: toneOf(event) })
