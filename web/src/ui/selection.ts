/** Which rows of a table are chosen: one by one, a range, or all that are shown; kept from page to page. */
import { useState } from 'react'

export interface Selection<T> {
  chosen: ReadonlyMap<string, T>
  toggle: (key: string, range: boolean) => void
  toggleAll: () => void
  clear: () => void
  all: boolean
}

interface Kept<T> {
  scope: string
  chosen: ReadonlyMap<string, T>
  /** Where a range starts: the row that was chosen last. */
  anchor: string | null
}

/** What is chosen after a click on `key`; with `range`, everything from the anchor to it becomes as it becomes. */
export function chosenAfter<T>(
  kept: Omit<Kept<T>, 'scope'>,
  rows: ReadonlyMap<string, T>,
  key: string,
  range: boolean,
) {
  const keys = [...rows.keys()]
  const to = keys.indexOf(key)
  const from = range && kept.anchor !== null ? keys.indexOf(kept.anchor) : -1
  const touched = from < 0 ? [key] : keys.slice(Math.min(from, to), Math.max(from, to) + 1)
  const chosen = new Map(kept.chosen)
  const wanted = !kept.chosen.has(key)
  for (const one of touched) {
    const row = rows.get(one)
    if (wanted && row !== undefined) chosen.set(one, row)
    else chosen.delete(one)
  }
  return { chosen, anchor: key }
}

/** `scope` is what the rows answer to, but for the page: with other filters nothing is chosen any more. */
export function useSelection<T>(scope: string, rows: T[], keyOf: (row: T) => string): Selection<T> {
  const [kept, keep] = useState<Kept<T>>({ scope, chosen: NONE, anchor: null })
  const shown = new Map(rows.map((row) => [keyOf(row), row]))
  const mine = kept.scope === scope ? kept : { scope, chosen: NONE as ReadonlyMap<string, T>, anchor: null }
  // What is shown is newer than what was chosen.
  const chosen = new Map([...mine.chosen].map(([key, row]) => [key, shown.get(key) ?? row]))
  const all = rows.length > 0 && rows.every((row) => chosen.has(keyOf(row)))
  return {
    chosen,
    all,
    toggle: (key, range) => keep({ scope, ...chosenAfter(mine, shown, key, range) }),
    toggleAll: () => {
      const next = new Map(chosen)
      for (const [key, row] of shown) all ? next.delete(key) : next.set(key, row)
      keep({ scope, chosen: next, anchor: null })
    },
    clear: () => keep({ scope, chosen: NONE, anchor: null }),
  }
}

const NONE: ReadonlyMap<string, never> = new Map<string, never>()
