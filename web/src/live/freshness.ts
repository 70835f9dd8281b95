/** Keep what is shown in step with events: patch small things at once, fetch the rest again, seldom and together. */
import type { QueryClient, QueryKey } from '@tanstack/react-query'
import type { LiveEvent } from '~/live/stream'

export const COALESCE = 150
const BREATH = 1000
export const POLL = 15_000

/** The lists and rows that an event makes old. The first part of each key is its slice. */
export function staleKeys(event: LiveEvent): QueryKey[] {
  const keys: QueryKey[] = [['events']]
  if (event.job_id && event.type.startsWith('job_')) {
    keys.push(['jobs', 'list'], ['jobs', 'one', event.job_id], ['observability'])
  }
  if (event.droplet_id) keys.push(['droplets', 'list'], ['droplets', 'one', event.droplet_id], ['droplets', 'orphans'])
  if (event.cluster_id && !event.type.startsWith('job_')) {
    keys.push(['clusters', 'list'], ['clusters', 'one', event.cluster_id], ['health', event.cluster_id])
  }
  if (event.type === 'diagnosis_completed') keys.push(['diagnosis', event.cluster_id])
  if (event.type.startsWith('schedule_')) keys.push(['schedules'])
  return keys
}

interface JobRow {
  id: string
  progress: number
  message: string
  status: string
}

const STATUS_AFTER: Record<string, string> = {
  job_started: 'running',
  job_progress: 'running',
  job_completed: 'completed',
  job_failed: 'failed',
  job_cancelled: 'cancelled',
}

/** The row as it is after an event about it; the same object when nothing changes. */
export function patchJob<T extends JobRow>(row: T, event: LiveEvent): T {
  const status = STATUS_AFTER[event.type]
  if (event.job_id !== row.id || !status) return row
  return { ...row, status, progress: event.progress ?? row.progress, message: event.message || row.message }
}

/** Listens to a feed on behalf of a query client. */
export class Freshness {
  private waiting: LiveEvent[] = []
  private stale = new Map<string, QueryKey>()
  private timer: ReturnType<typeof setTimeout> | null = null
  private lastFetch = 0

  constructor(
    private readonly client: QueryClient,
    private readonly isHidden: () => boolean = () => document.hidden,
  ) {}

  take(events: LiveEvent[]): void {
    for (const event of events) {
      this.waiting.push(event)
      for (const key of staleKeys(event)) this.stale.set(JSON.stringify(key), key)
    }
    // Quick at first; under a flood, one round of fetches a second.
    const wait = Math.max(COALESCE, this.lastFetch + BREATH - Date.now())
    this.timer ??= setTimeout(() => this.flush(), wait)
  }

  /** Everything may be old: after a gap, a pause, or with no stream at all. */
  refetchAll(): void {
    void this.client.invalidateQueries({ refetchType: this.isHidden() ? 'none' : 'active' }, { cancelRefetch: false })
  }

  /** The tab is looked at again: fetch what became old meanwhile. */
  wake(): void {
    void this.client.refetchQueries({ type: 'active', stale: true }, { cancelRefetch: false })
  }

  stop(): void {
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
  }

  private flush(): void {
    const events = this.waiting
    const keys = [...this.stale.values()]
    this.waiting = []
    this.stale = new Map()
    this.timer = null
    this.lastFetch = Date.now()
    this.patch(events)
    const refetchType = this.isHidden() ? 'none' : 'active'
    for (const queryKey of keys) {
      void this.client.invalidateQueries({ queryKey, refetchType }, { cancelRefetch: false })
    }
  }

  private patch(events: LiveEvent[]): void {
    const latest = new Map(events.filter((one) => one.job_id && STATUS_AFTER[one.type]).map((one) => [one.job_id, one]))
    for (const [id, event] of latest) {
      this.client.setQueryData<{ job: JobRow }>(
        ['jobs', 'one', id],
        (old) => old && { ...old, job: patchJob(old.job, event) },
      )
    }
    if (latest.size === 0) return
    this.client.setQueriesData<{ jobs: JobRow[] }>({ queryKey: ['jobs', 'list'] }, (old) => {
      if (!old?.jobs) return old
      return { ...old, jobs: old.jobs.map((row) => patchWith(row, latest.get(row.id))) }
    })
  }
}

function patchWith(row: JobRow, event: LiveEvent | undefined): JobRow {
  return event ? patchJob(row, event) : row
}
