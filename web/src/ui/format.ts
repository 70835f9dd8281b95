/** Say numbers, money, sizes and times the same way everywhere. */

export type Zone = 'local' | 'utc'

const HOURS_A_MONTH = 730

const count = new Intl.NumberFormat('en')
export const number = (value: number): string => count.format(value)

/** `one 3 droplet` → "3 droplets". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`
}

/** "Failed 1,204"; the bare word while the number is not known. */
export function counted(word: string, value: number | undefined): string {
  return value === undefined ? word : `${word} ${number(value)}`
}

/** Micro-dollars an hour as "$0.0089/h"; what is free says so. */
export function perHour(micros: number): string {
  return micros === 0 ? 'free' : `${dollars(micros)}/h`
}

/** Micro-dollars an hour as what a month of 730 hours costs: "$6.52/mo". */
export function perMonth(micros: number): string {
  return micros === 0 ? 'free' : `${dollars(micros * HOURS_A_MONTH)}/mo`
}

/** As many digits as it takes to tell small amounts apart. */
export function dollars(micros: number): string {
  const value = micros / 1e6
  const digits = value !== 0 && Math.abs(value) < 1 ? 4 : 2
  const text = Math.abs(value).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: digits })
  return `${value < 0 ? '−' : ''}$${text}`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function bytes(value: number): string {
  let unit = 0
  let left = value
  while (left >= 1024 && unit < UNITS.length - 1) {
    left /= 1024
    unit += 1
  }
  return `${left >= 100 || unit === 0 ? Math.round(left) : left.toFixed(1)} ${UNITS[unit]}`
}

export function percent(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  return `${value >= 10 || value === 0 ? Math.round(value) : value.toFixed(1)} %`
}

const STEPS: [number, string][] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
]

/** Seconds as "2 h 14 min"; the two largest units, and tenths below ten seconds. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const parts: string[] = []
  let left = Math.round(seconds)
  for (const [size, unit] of STEPS) {
    const whole = Math.floor(left / size)
    if (whole > 0 && parts.length < 2) parts.push(`${whole} ${unit}`)
    else if (parts.length > 0) break
    left -= whole * size
  }
  return parts.join(' ')
}

/** "3 min ago", "in 2 h", "just now". */
export function relative(moment: string, now: number): string {
  const seconds = (now - Date.parse(moment)) / 1000
  if (Math.abs(seconds) < 5) return 'just now'
  const size = Math.abs(seconds)
  const [step, unit] = STEPS.find(([least]) => size >= least) ?? [1, 's']
  const text = `${Math.floor(size / step)} ${unit}`
  return seconds > 0 ? `${text} ago` : `in ${text}`
}

const DATE: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
}

/** "2026-11-23 14:02:11" in the zone, with its name. */
export function absolute(moment: string, zone: Zone): string {
  const parts = partsOf(moment, zone)
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second} ${zoneName(zone)}`
}

/** "14:02:11" in the zone. */
export function clock(moment: string, zone: Zone): string {
  const parts = partsOf(moment, zone)
  return `${parts.hour}:${parts.minute}:${parts.second}`
}

function partsOf(moment: string, zone: Zone): Record<string, string> {
  const format = new Intl.DateTimeFormat('en-CA', { ...DATE, timeZone: zone === 'utc' ? 'UTC' : undefined })
  return Object.fromEntries(format.formatToParts(new Date(moment)).map((part) => [part.type, part.value]))
}

export function zoneName(zone: Zone): string {
  return zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** `job_progress` → "Job progress". */
export function words(name: string): string {
  const text = name.replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}
