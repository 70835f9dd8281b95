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

/** Steps, oldest first, of events in any order. */
export function stepsOf(events: EventRecord[]): Step[] {
  const steps: Step[] = []
  for (const event of [...events].sort((one, other) => one.id - other.id)) {
    const last = steps.at(-1)
    if (last && isLike(last, event)) {
      last.parts.push(event.message)
      last.title = `${last.parts.length} droplets ${saidOf(event.message)}`
      continue
    }
    steps.push({
      key: String(event.id),
      at: event.timestamp,
      type: event.type,
      title: event.message || event.type.replaceAll('_', ' '),
      after: last ? (Date.parse(event.timestamp) - Date.parse(last.at)) / 1000 : 0,
      progress: event.progress,
      parts: [event.message],
    })
  }
  return steps
}

/** Whether the event says of another droplet what the step says of one: only the name, the first word, differs. */
function isLike(step: Step, event: EventRecord): boolean {
  if (!event.type.startsWith('droplet_') || step.type !== event.type) return false
  return saidOf(step.parts[0] ?? '') === saidOf(event.message)
}

function saidOf(message: string): string {
  return message.slice(message.indexOf(' ') + 1)
}
