/** Clusters as the API has them, and the ways to change them. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok, type Schemas } from '~/api/client'

export type Cluster = Schemas['Cluster']
export type ClusterChange = Schemas['ClusterChange']
export type ClusterSpec = Schemas['ClusterSpec']

export const STATUSES = ['empty', 'provisioning', 'healthy', 'degraded', 'scaling', 'deleting', 'deleted'] as const
export const SORTABLE = ['created_at', 'name', 'status', 'region', 'wanted_size', 'updated_at'] as const

export interface ClusterFilter {
  q?: string
  status?: string
  region?: string
  page?: number
  page_size?: number
  sort_by?: string
  sort_dir?: 'asc' | 'desc'
}

export const clusterList = (filter: ClusterFilter) =>
  queryOptions({
    queryKey: ['clusters', 'list', filter],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/clusters', { params: { query: filter }, signal })),
  })

/** How many there are of each status, by the other filters. */
export const clusterCounts = ({ q, region }: ClusterFilter) =>
  queryOptions({
    queryKey: ['clusters', 'list', 'counts', { q, region }],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/clusters/counts', { params: { query: { q, region } }, signal })),
  })

export const clusterOne = (id: string) =>
  queryOptions({
    queryKey: ['clusters', 'one', id],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/clusters/{cluster_id}', { params: { path: { cluster_id: id } }, signal })),
    placeholderData: undefined,
  })

export const createCluster = (body: ClusterSpec) => ok(api.POST('/api/v1/clusters', { body }))

export const changeCluster = (id: string, body: ClusterChange) =>
  ok(api.PUT('/api/v1/clusters/{cluster_id}', { params: { path: { cluster_id: id } }, body }))

export type OnConflict = 'queue' | 'reject' | 'replace'

export const deleteCluster = (id: string, onConflict: OnConflict) =>
  ok(
    api.DELETE('/api/v1/clusters/{cluster_id}', {
      params: { path: { cluster_id: id }, query: { on_conflict: onConflict } },
    }),
  )
