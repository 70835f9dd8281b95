/** Decide what a remedy would change, from the request that it is; pure. */
import type { Cluster } from '~/clusters/api'
import type { Finding } from '~/diagnosis/api'
import type { Difference, Plan } from '~/ui/ChangeDialog'

type Remedy = Finding['remedy']
type Body = { type?: string; parameters?: Record<string, unknown>; size?: string } | null

/** Whether it is something to do; else it is something to look at. */
export const acts = (remedy: Remedy): boolean => remedy.api.method !== 'GET'

/** The page that shows what a remedy says to look at; undefined if none does. */
export function lookAt(remedy: Remedy): { to: string; search?: Record<string, string> } | undefined {
  const [path = '', query] = remedy.api.path.replace(/^\/api\/v1/, '').split('?')
  const [, noun, id] = path.split('/')
  const asked = new URLSearchParams(query)
  if (noun === 'jobs' && id) return { to: `/jobs/${id}` }
  if (noun === 'droplets' && id) return { to: '/droplets', search: { open: id } }
  if (noun === 'events') {
    return { to: '/events', search: { cluster: asked.get('cluster_id') ?? '', type: asked.get('type') ?? '' } }
  }
  if (noun === 'observability') return { to: '/observability' }
  return noun === 'health' && id ? { to: `/clusters/${id}` } : undefined
}

/** How many droplets the cluster wants afterwards, where the remedy says so. */
function sizeAfter(body: Body, cluster: Cluster): number {
  const given = body?.parameters ?? {}
  if (body?.type !== 'scale') return cluster.wanted_size
  if (typeof given.target_size === 'number') return given.target_size
  const by = typeof given.by === 'number' ? given.by : 1
  return cluster.wanted_size + (given.action === 'scale_down' ? -by : by)
}

export function remedyPlan(finding: Finding, cluster: Cluster | undefined, unit: number | null): Plan {
  const { remedy } = finding
  const body = (remedy.api.body ?? null) as Body
  const differences: Difference[] = []
  const size = cluster && sizeAfter(body, cluster)
  if (cluster && size !== cluster.wanted_size) {
    differences.push({ what: 'Wanted size', before: cluster.wanted_size, after: size })
  }
  if (cluster && body?.size) {
    differences.push({ what: 'Default size', before: cluster.size ?? 'chosen by placement', after: body.size })
  }
  const priced = cluster !== undefined && size !== undefined && unit !== null && body?.type === 'scale'
  return {
    title: finding.title,
    sentence: `${remedy.action}. It ${remedy.dry_run}.`,
    differences,
    cost: priced ? { before: unit * cluster.wanted_size, after: unit * size } : null,
    confirm: 'Do it',
    request: {
      method: remedy.api.method,
      path: remedy.api.path.replace(/^\/api\/v1/, ''),
      body: remedy.api.body ?? undefined,
      cli: remedy.command.split(' ').slice(1),
    },
  }
}
