/** Diagnoses, as the API has them. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok, type Schemas } from '~/api/client'

export type Diagnosed = Schemas['Diagnosed']
export type Finding = Schemas['Finding']

export const diagnosisList = (clusterId: string) =>
  queryOptions({
    queryKey: ['diagnosis', clusterId, 'list'],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/diagnosis', { params: { query: { cluster_id: clusterId, page_size: 10 } }, signal })),
    enabled: clusterId !== '',
  })

export const diagnosisOne = (id: string) =>
  queryOptions({
    queryKey: ['diagnosis', 'one', id],
    queryFn: ({ signal }) =>
      ok(api.GET('/api/v1/diagnosis/{diagnosis_id}', { params: { path: { diagnosis_id: id } }, signal })),
    enabled: id !== '',
  })

export const diagnose = (clusterId: string) =>
  ok(api.POST('/api/v1/diagnosis/diagnose', { body: { cluster_id: clusterId } }))
