/** Live lists that do not jostle: rows change in place, what is new waits behind a button until it is asked for. */
import { useEffect, useState } from 'react'

export interface Held<T> {
  rows: T[]
  /** How many rows have come that are not shown yet. */
  waiting: number
  accept: () => void
  /** Rows that are shown but are no longer part of the answer. */
  gone: ReadonlySet<string>
}

/** What is shown, given the order that was accepted, the rows known before, and the newest answer. */
export function hold<T>(
  accepted: string[],
  known: ReadonlyMap<string, T>,
  fresh: T[],
  keyOf: (row: T) => string,
): { rows: T[]; waiting: number; gone: Set<string> } {
  const now = new Map(fresh.map((row) => [keyOf(row), row]))
  const rows: T[] = []
  const gone = new Set<string>()
  for (const key of accepted) {
    const row = now.get(key) ?? known.get(key)
    if (row === undefined) continue
    rows.push(row)
    if (!now.has(key)) gone.add(key)
  }
  const shown = new Set(accepted)
  return { rows, waiting: fresh.filter((row) => !shown.has(keyOf(row))).length, gone }
}

interface Reading {
  isPlaceholderData: boolean
  isFetching: boolean
  isFetchedAfterMount: boolean
}

/** Whether an answer is what a person who has just come here should see: not one kept from before that is being renewed. */
export function isSettled(query: Reading): boolean {
  return !query.isPlaceholderData && (query.isFetchedAfterMount || !query.isFetching)
}

const OWN_CHANGE = 4000
let changedAt = 0

/** Something was changed here: the next rows come at this person's own wish, and are shown at once. */
export function noteOwnChange(): void {
  changedAt = Date.now()
}

interface Kept<T> {
  view: string
  order: string[]
  known: Map<string, T>
}

/** Hold the order of `fresh` for as long as `view` (filters, page, order) stays the same; `settled`: it belongs to it. */
export function useHeld<T>(view: string, fresh: T[], settled: boolean, keyOf: (row: T) => string): Held<T> {
  const [kept, keep] = useState<Kept<T>>({ view: '', order: [], known: new Map() })
  const { rows, waiting, gone } = hold(kept.order, kept.known, fresh, keyOf)
  const other = kept.view !== view || kept.order.length === 0
  const take = settled && (other || (waiting + gone.size > 0 && Date.now() - changedAt < OWN_CHANGE))

  useEffect(() => {
    if (take) keep({ view, order: fresh.map(keyOf), known: new Map() })
  }, [take, view, fresh, keyOf])
  useEffect(() => {
    // What leaves the answer stays as it was last seen; the map is only read for rows that are no longer in it.
    for (const row of fresh) kept.known.set(keyOf(row), row)
  }, [fresh, kept, keyOf])

  if (other || take) return { rows: fresh, waiting: 0, gone: NONE, accept: noop }
  const accept = () => keep({ view, order: fresh.map(keyOf), known: new Map() })
  return { rows, waiting, gone, accept }
}

const NONE: ReadonlySet<string> = new Set()
const noop = (): void => undefined
