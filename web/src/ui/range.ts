/** A range of time as the URL has it: a quick one up to now, or two moments. */
import { serverNow } from '~/api/server'

export const QUICK = ['15m', '1h', '6h', '24h'] as const
export type Quick = (typeof QUICK)[number]

export interface Range {
  range?: Quick
  from?: string
  to?: string
}

const SECONDS: Record<Quick, number> = { '15m': 900, '1h': 3600, '6h': 21_600, '24h': 86_400 }
const POINTS = 300
const USUAL: Quick = '1h'

export interface Window {
  from: number
  to: number
  /** Whether its end moves with the clock. */
  live: boolean
}

/** From when to when, in milliseconds. */
export function windowOf(range: Range, now: number = serverNow()): Window {
  if (range.from && range.to) return { from: Date.parse(range.from), to: Date.parse(range.to), live: false }
  return { from: now - SECONDS[range.range ?? USUAL] * 1000, to: now, live: true }
}

/** Seconds to average over, so that about 300 points make the line. */
export function stepOf(window: Window): number {
  return Math.max(2, Math.ceil((window.to - window.from) / 1000 / POINTS))
}

/** A moment out of the URL, in the API's form; undefined when it is none. */
export function moment(value: unknown): string | undefined {
  const parsed = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isFinite(parsed) ? new Date(parsed).toISOString() : undefined
}

/** The same span, twice as wide round its middle, not beyond now. */
export function wider(window: Window, now: number = serverNow()): { from: string; to: string } {
  const half = window.to - window.from
  const middle = (window.from + window.to) / 2
  const to = Math.min(now, middle + half)
  return { from: new Date(to - half * 2).toISOString(), to: new Date(to).toISOString() }
}
