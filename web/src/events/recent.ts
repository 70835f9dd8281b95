/** The newest events of a filter: those that were read, and those that have come since. */
import { useMemo, useState } from 'react'
import type { EventFilter, EventRecord } from '~/events/api'
import { useLiveEvents } from '~/live/live'
import type { LiveEvent } from '~/live/stream'

/** How many are kept in memory; older ones are a filter away. */
export const KEPT = 2000

export function matches(filter: EventFilter, event: LiveEvent): boolean {
  return (
    (!filter.cluster_id || event.cluster_id === filter.cluster_id) &&
    (!filter.job_id || event.job_id === filter.job_id) &&
    (!filter.droplet_id || event.droplet_id === filter.droplet_id) &&
    (!filter.trace_id || event.trace_id === filter.trace_id) &&
    (!filter.type || event.type === filter.type)
  )
}

/** Both lists as one: newest first, each event once, no more than `most`. */
export function merge(live: EventRecord[], read: EventRecord[], most = KEPT): EventRecord[] {
  const all = new Map<number, EventRecord>()
  for (const event of read) all.set(event.id, event)
  for (const event of live) all.set(event.id, event)
  return [...all.values()].sort((one, other) => other.id - one.id).slice(0, most)
}

interface Recent {
  events: EventRecord[]
  waiting: number
  paused: boolean
  pause: () => void
  resume: () => void
}

export function useRecent(filter: EventFilter, read: EventRecord[] | undefined): Recent {
  const key = JSON.stringify(filter)
  const [state, setState] = useState({ key, live: [] as EventRecord[] })
  const [until, setUntil] = useState<number | null>(null)
  const live = state.key === key ? state.live : NONE

  useLiveEvents((arrived) => {
    const wanted = arrived.filter((event) => matches(filter, event)) as unknown as EventRecord[]
    if (wanted.length > 0) setState((old) => ({ key, live: merge(wanted, old.key === key ? old.live : NONE) }))
  })

  const all = useMemo(() => merge(live, read ?? NONE), [live, read])
  const shown = useMemo(() => (until === null ? all : all.filter((event) => event.id <= until)), [all, until])
  return {
    events: shown,
    waiting: all.length - shown.length,
    paused: until !== null,
    pause: () => setUntil(all[0]?.id ?? 0),
    resume: () => setUntil(null),
  }
}

const NONE: EventRecord[] = []
