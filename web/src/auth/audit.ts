/** The audit trail as the API has it, and what differs between before and after. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok, type Schemas } from '~/api/client'
import { serverNow } from '~/api/server'

export type Entry = Schemas['AuditRecord']

export const SPANS = { '1h': 3600, '24h': 86_400, '7d': 604_800, '30d': 2_592_000 } as const
export type Span = keyof typeof SPANS
export const ACTIONS = ['cluster', 'droplet', 'orphan', 'job', 'schedule', 'limit', 'key', 'session', 'setup'] as const

export interface AuditFilter {
  actor?: string
  action?: string
  target?: string
  q?: string
  since?: Span
  page?: number
  page_size?: number
  sort_by?: string
  sort_dir?: 'asc' | 'desc'
}

export const auditList = ({ since, ...filter }: AuditFilter) =>
  queryOptions({
    queryKey: ['audit', { since, ...filter }],
    queryFn: ({ signal }) => {
      const from = since && new Date(serverNow() - SPANS[since] * 1000).toISOString()
      return ok(api.GET('/api/v1/audit', { params: { query: { ...filter, ...(from ? { from } : {}) } }, signal }))
    },
    refetchInterval: 15_000, // acts have no event of their own
  })

export interface Change {
  path: string
  before: string
  after: string
}

/** Every leaf of a JSON value under its path: `grants.0.role`. */
function leaves(value: unknown, path = ''): [string, string][] {
  if (value === null || typeof value !== 'object') return [[path, value === undefined ? '' : String(value)]]
  const entries = Object.entries(value)
  if (entries.length === 0) return [[path, Array.isArray(value) ? '[]' : '{}']]
  return entries.flatMap(([name, one]) => leaves(one, path ? `${path}.${name}` : name))
}

const NOTHING = '–'

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)
}

/** What differs, path by path; an act that made or ended something shows all of it. */
export function changesOf(before: unknown, after: unknown): Change[] {
  const [old, now] = [before, after].map((one) => new Map(isNothing(one) ? [] : leaves(one)))
  const paths = new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])
  return [...paths]
    .map((path) => ({ path, before: old?.get(path) ?? NOTHING, after: now?.get(path) ?? NOTHING }))
    .filter((one) => one.before !== one.after)
}

function inWords({ path, before, after }: Change): string {
  if (before === NOTHING) return `${path} ${after}`
  return after === NOTHING ? `${path} was ${before}` : `${path} ${before} → ${after}`
}

/** The first few of them in a line. */
export function inShort(changes: Change[]): string {
  const few = changes.slice(0, 2).map(inWords)
  return changes.length > few.length ? `${few.join(', ')}, and ${changes.length - few.length} more` : few.join(', ')
}

/** The page that shows what was acted on; undefined when none does. */
export function pageOf(target: string): { to: string; search?: Record<string, string> } | undefined {
  if (target.startsWith('cluster-')) return { to: `/clusters/${target}` }
  if (target.startsWith('job-')) return { to: `/jobs/${target}` }
  if (target.startsWith('droplet-')) return { to: '/droplets', search: { open: target } }
  if (target.startsWith('schedule-')) return { to: '/schedules', search: { edit: target } }
  return target.startsWith('key-') ? { to: '/access' } : undefined
}
