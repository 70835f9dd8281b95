/** Make steps of a job's events: what is said once stays, what is said of many droplets becomes one line. */
import type { EventRecord } from '~/events/api'

export interface Step {
  key: string
  at: string
  type: string
  title: string
  /** Seconds since the step before. */
  after: number
  progress: number | null
  /** The lines that were folded into this one. */
  parts: string[]
}

const FOLDED: Record<string, string> = {
  droplet_created: 'droplets ordered',
  droplet_active: 'droplets active',
  droplet_deleted: 'droplets deleted',
  droplet_lost: 'droplets lost',
}

/** Steps, oldest first, of events in any order. */
export function stepsOf(events: EventRecord[]): Step[] {
  const steps: Step[] = []
  for (const event of [...events].sort((one, other) => one.id - other.id)) {
    const last = steps.at(-1)
    if (last && FOLDED[event.type] && last.type === event.type) {
      last.parts.push(event.message)
      last.title = `${last.parts.length} ${FOLDED[event.type]}`
      continue
    }
    const after = last ? (Date.parse(event.timestamp) - Date.parse(last.at)) / 1000 : 0
    steps.push({
      key: String(event.id),
      at: event.timestamp,
      type: event.type,
      title: event.message || event.type.replaceAll('_', ' '),
      after,
      progress: event.progress,
      parts: FOLDED[event.type] ? [event.message] : [],
    })
  }
  return steps
}
