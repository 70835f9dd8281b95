/** Measurements and health, as the API has them. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok, type Schemas } from '~/api/client'
import type { Point } from '~/ui/chart'
import { type Range, stepOf, windowOf } from '~/ui/range'

export type Health = Schemas['monitoring_models_Health']
export type DropletHealth = Schemas['DropletHealth']

export interface Whose {
  cluster_id?: string
  droplet_id?: string
}

export interface Charts {
  from: number
  to: number
  /** By type. */
  points: Record<string, Point[]>
}

const LIVE = 5000

/** What all charts of the page show, in one request; up to now, it is asked for again every few seconds. */
export const TYPES = ['cpu', 'memory', 'disk', 'network_in', 'network_out'] as const

export const chartsOf = (whose: Whose, range: Range, fresh: boolean) =>
  queryOptions({
    queryKey: ['metrics', whose, range],
    queryFn: async ({ signal }): Promise<Charts> => {
      const window = windowOf(range)
      const query = {
        ...whose,
        type: TYPES.join(','),
        from: new Date(window.from).toISOString(),
        to: new Date(window.to).toISOString(),
        step: stepOf(window),
        ...(whose.droplet_id ? {} : { scope: 'droplet' as const }),
      }
      const reply = await ok(api.GET('/api/v1/metrics', { params: { query }, signal }))
      const points: Record<string, Point[]> = {}
      for (const one of reply.metrics) {
        const line = points[one.type] ?? []
        line.push({ at: Date.parse(one.timestamp), value: one.value, low: one.minimum, high: one.maximum })
        points[one.type] = line
      }
      return { from: window.from, to: window.to, points }
    },
    refetchInterval: fresh && windowOf(range).live ? LIVE : false,
  })

export const healthOf = (clusterId: string) =>
  queryOptions({
    queryKey: ['health', clusterId],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/health/{cluster_id}', { params: { path: { cluster_id: clusterId } }, signal })),
    enabled: clusterId !== '',
    refetchInterval: 10_000,
  })
