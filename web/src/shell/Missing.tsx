/** A part of the page that could not be read, and has no place of its own to say so: a count, a name, a list of choices. */
import { type Query, useQueryClient } from '@tanstack/react-query'
import { useCallback, useRef, useSyncExternalStore } from 'react'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { isShown, onShown } from '~/ui/shown'
import classes from './Shell.module.css'

const NONE: Query[] = []

export function Missing() {
  const queries = useUnshown()
  const first = queries[0]
  if (!first) return null
  const retry = () => {
    for (const query of queries) query.fetch().catch(() => undefined) // it shows up here again
  }
  return (
    <div className={classes.missing}>
      <ErrorPanel compact error={first.state.error} mentioned={false} onRetry={retry} />
    </div>
  )
}

/** Queries that the page has asked, that failed, and whose failure nothing on the page shows. */
function useUnshown(): Query[] {
  const cache = useQueryClient().getQueryCache()
  const last = useRef(NONE)
  const subscribe = useCallback(
    (changed: () => void) => {
      const ends = [cache.subscribe(changed), onShown(changed)]
      return () => {
        for (const end of ends) end()
      }
    },
    [cache],
  )
  return useSyncExternalStore(subscribe, () => {
    const now = cache.getAll().filter((one) => one.isActive() && one.state.error && !isShown(one.state.error))
    const same = now.length === last.current.length && now.every((one, at) => one === last.current[at])
    if (!same) last.current = now
    return last.current
  })
}
