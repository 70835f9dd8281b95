/** Droplets, orphans, and what the providers offer, as the API has them. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok, type Schemas } from '~/api/client'

export type Droplet = Schemas['Droplet']
export type DropletSpec = Schemas['DropletSpec']
export type Orphan = Schemas['Orphan']
export type Catalog = Schemas['Catalog']
export type Candidate = Schemas['Candidate']

export const STATUSES = [
  'pending',
  'provisioning',
  'active',
  'draining',
  'deleting',
  'deleted',
  'failed',
  'lost',
] as const
export const SORTABLE = ['created_at', 'name', 'status', 'region', 'provider'] as const

export interface DropletFilter {
  cluster_id?: string
  status?: string
  provider?: string
  region?: string
  q?: string
  page?: number
  page_size?: number
  sort_by?: string
  sort_dir?: 'asc' | 'desc'
}

/** What agents measure comes with each heartbeat, not as events: those numbers are asked for again now and then. */
const VITALS = 10_000

export const dropletList = (filter: DropletFilter) =>
  queryOptions({
    queryKey: ['droplets', 'list', filter],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/droplets', { params: { query: filter }, signal })),
    refetchInterval: VITALS,
  })

export const dropletOne = (id: string) =>
  queryOptions({
    queryKey: ['droplets', 'one', id],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/droplets/{droplet_id}', { params: { path: { droplet_id: id } }, signal })),
    placeholderData: undefined,
    refetchInterval: VITALS / 2,
  })

export const orphanList = () =>
  queryOptions({
    queryKey: ['droplets', 'orphans'],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/droplets/orphans', { signal })),
    refetchInterval: 60_000,
  })

export interface Provider {
  name: string
  kind: string
  default: boolean
  droplets: number
  note: string
}

export const providerList = () =>
  queryOptions({
    queryKey: ['providers'],
    queryFn: async ({ signal }) =>
      (await ok(api.GET('/api/v1/providers', { signal }))).providers as unknown as Provider[],
  })

export const catalogOf = (name: string) =>
  queryOptions({
    queryKey: ['providers', name, 'catalog'],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/providers/{name}/catalog', { params: { path: { name } }, signal })),
    staleTime: 5 * 60_000,
    enabled: name !== '',
  })

export interface Wish {
  provider?: string | null
  region?: string | null
  size?: string | null
  image?: string | null
}

/** Where such a droplet would go and what it costs; nothing is ordered. */
export const placementOf = (wish: Wish) =>
  queryOptions({
    queryKey: ['placement', wish],
    queryFn: ({ signal }) => ok(api.POST('/api/v1/schedule', { body: wish, signal })),
  })

export const createDroplet = (body: DropletSpec) => ok(api.POST('/api/v1/droplets', { body }))

export const deleteDroplet = (id: string) =>
  ok(api.DELETE('/api/v1/droplets/{droplet_id}', { params: { path: { droplet_id: id } } }))

/** How many there are of each status, by the other filters. */
export const dropletCounts = ({ cluster_id, provider, q }: DropletFilter) =>
  queryOptions({
    queryKey: ['droplets', 'list', 'counts', { cluster_id, provider, q }],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/droplets/counts', { params: { query: { cluster_id, provider, q } }, signal })),
  })

export const destroyDroplets = (ids: string[]) =>
  ok(api.POST('/api/v1/droplets/bulk', { body: { action: 'destroy', ids } }))

export const settleOrphans = (action: 'adopt' | 'destroy', refs: string[]) =>
  ok(api.POST('/api/v1/droplets/orphans/bulk', { body: { action, refs } }))

export const adoptOrphan = (ref: string) =>
  ok(api.POST('/api/v1/droplets/orphans/{ref}/adopt', { params: { path: { ref } } }))

export const destroyOrphan = (ref: string) =>
  ok(api.POST('/api/v1/droplets/orphans/{ref}/destroy', { params: { path: { ref } } }))
