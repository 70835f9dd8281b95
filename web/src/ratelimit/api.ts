/** Limits as the API has them: rules, and how a bucket stands. Looking charges nothing. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok, type Schemas } from '~/api/client'

export type Rule = Schemas['Rule']
export type NewRule = Schemas['NewRule']
export type Bucket = Schemas['BucketReply']

export const SCOPES = ['global', 'user', 'cluster'] as const

export const ruleList = () =>
  queryOptions({
    queryKey: ['limits', 'rules'],
    queryFn: async ({ signal }) =>
      (await ok(api.GET('/api/v1/observability/ratelimit/config/list', { signal }))).configs,
    refetchInterval: 10_000,
  })

/** Tokens come back by themselves: asked for every second while it is looked at. */
export const bucketOf = (rule: Pick<Rule, 'name' | 'scope'>, whom: string) =>
  queryOptions({
    queryKey: ['limits', 'bucket', rule.name, rule.scope, whom],
    queryFn: ({ signal }) => {
      const query = { name: rule.name, scope_type: rule.scope, ...(whom ? { scope_id: whom } : {}) }
      return ok(api.GET('/api/v1/observability/ratelimit', { params: { query }, signal }))
    },
    enabled: rule.scope !== 'cluster' || whom !== '', // of users the server shows us our own
    refetchInterval: 1000,
    staleTime: 0,
  })

export const putRule = (body: NewRule) => ok(api.POST('/api/v1/observability/ratelimit/config', { body }))

export const deleteRule = ({ name, scope }: Pick<Rule, 'name' | 'scope'>) =>
  ok(api.DELETE('/api/v1/observability/ratelimit/config', { params: { query: { name, scope } } }))
