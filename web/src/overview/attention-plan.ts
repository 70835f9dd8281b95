/** Decide what needs attention, worst first; pure. */
import type { Cluster } from '~/clusters/api'
import type { Droplet } from '~/droplets/api'
import type { Job } from '~/jobs/api'
import { perHour, plural, words } from '~/ui/format'

export interface Item {
  key: string
  tone: 'failed' | 'degraded'
  title: string
  why: string
  at: string | null
  to: string
  search?: Record<string, unknown>
}

export interface Seen {
  clusters: Pick<Cluster, 'id' | 'name' | 'status' | 'health' | 'last_checked'>[]
  failed: Pick<Job, 'id' | 'type' | 'error' | 'message' | 'completed_at'>[]
  lost: Pick<Droplet, 'id' | 'name' | 'status' | 'status_reason' | 'updated_at'>[]
  orphans: number
  orphanCost: number
}

const DAY = 86_400_000
const MOST_JOBS = 5

/** `now` in milliseconds; a job that failed more than a day ago is history. */
export function attentionOf(seen: Seen, now: number): Item[] {
  return [...degraded(seen), ...lost(seen), ...failed(seen, now), ...orphans(seen)]
}

function degraded({ clusters }: Seen): Item[] {
  return clusters
    .filter((one) => one.status === 'degraded')
    .map((one) => ({
      key: one.id,
      tone: 'degraded',
      title: `${one.name} is degraded:`,
      why: one.health,
      at: null,
      to: `/clusters/${one.id}`,
    }))
}

function lost({ lost: known }: Seen): Item[] {
  const [first] = known
  if (!first) return []
  const one = known.length === 1
  return [
    {
      key: 'lost',
      tone: 'failed',
      title: one ? `${first.name} is ${first.status}:` : `${plural(known.length, 'droplet')} are lost or failed:`,
      why: first.status_reason,
      at: first.updated_at,
      to: '/droplets',
      search: one ? { open: first.id } : { status: first.status },
    },
  ]
}

function failed({ failed: jobs }: Seen, now: number): Item[] {
  return jobs
    .filter((job) => job.completed_at !== null && now - Date.parse(job.completed_at) < DAY)
    .slice(0, MOST_JOBS)
    .map((job) => ({
      key: job.id,
      tone: 'failed',
      title: `${words(job.type.split('.').pop() ?? job.type)} failed:`,
      why: job.error ?? job.message,
      at: job.completed_at,
      to: `/jobs/${job.id}`,
    }))
}

function orphans({ orphans: count, orphanCost }: Seen): Item[] {
  if (count === 0) return []
  return [
    {
      key: 'orphans',
      tone: 'degraded',
      title: `${plural(count, 'machine')} without a droplet:`,
      why: orphanCost > 0 ? `they cost ${perHour(orphanCost)}.` : 'they take up room.',
      at: null,
      to: '/droplets',
      search: { view: 'orphans' },
    },
  ]
}
