/** A schedule as its form has it, and as the API wants it; pure. */
import type { Schedule, ScheduleSpec } from '~/schedules/api'

type Value = string | number | boolean | null
type Misfire = NonNullable<ScheduleSpec['misfire']>

export interface Draft {
  name: string
  type: string
  cron: string
  time_zone: string
  cluster: string
  misfire: Misfire
  paused: boolean
  /** Lines of name=value, but for the cluster. */
  parameters: string
}

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'

/** UTC and this browser's own first. */
export const ZONES: string[] = [...new Set(['UTC', HERE, ...Intl.supportedValuesOf('timeZone')])]

export function draftOf(schedule: Schedule | undefined): Draft {
  if (!schedule) {
    return {
      name: '',
      type: 'diagnose',
      cron: '0 3 * * *',
      time_zone: HERE,
      cluster: '',
      misfire: 'fire_once',
      paused: false,
      parameters: '',
    }
  }
  const { cluster_id: cluster, ...others } = schedule.parameters as Record<string, Value>
  return {
    name: schedule.name,
    type: schedule.type,
    cron: schedule.cron,
    time_zone: schedule.time_zone,
    cluster: typeof cluster === 'string' ? cluster : '',
    misfire: schedule.misfire as Misfire,
    paused: schedule.paused,
    parameters: Object.entries(others)
      .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join('\n'),
  }
}

/** "3" is a number, "true" a truth value; anything else is text. */
function readValue(text: string): Value {
  if (/^-?\d{1,15}(\.\d+)?$/.test(text)) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  return text === 'null' ? null : text
}

/** What is sent; null while something that it needs is missing, and `wrong` says what cannot be read. */
export function specOfDraft(draft: Draft, version?: number): { spec: ScheduleSpec | null; wrong: string } {
  const parameters: Record<string, Value> = draft.cluster ? { cluster_id: draft.cluster } : {}
  for (const line of draft.parameters.split('\n').filter((one) => one.trim() !== '')) {
    const [, name, value] = line.match(/^\s*([\w-]+)\s*=\s*(.*?)\s*$/) ?? []
    if (name === undefined || value === undefined) return { spec: null, wrong: `“${line}” is not name=value.` }
    parameters[name] = readValue(value)
  }
  const { name, type, cron, time_zone, misfire, paused } = draft
  if (name.trim() === '' || cron.trim() === '' || time_zone.trim() === '') return { spec: null, wrong: '' }
  const spec: ScheduleSpec = { name, type, cron, time_zone, misfire, paused, parameters }
  return { spec: version === undefined ? spec : { ...spec, version }, wrong: '' }
}
