/** A moment: how long ago by the server's clock, and exactly when on hover. */
import { useSyncExternalStore } from 'react'
import { serverNow } from '~/api/server'
import { usePreferences } from '~/settings/preferences'
import { absolute, clock, duration, relative } from '~/ui/format'

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | null = null
let now = serverNow()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = serverNow()
    for (const one of listeners) one()
  }, 1000)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0 && timer) {
      clearInterval(timer)
      timer = null
    }
  }
}

/** What `pick` makes of the current moment; the component renders again only when that changes. */
export function useNow<T extends string | number>(pick: (now: number) => T): T {
  return useSyncExternalStore(subscribe, () => pick(timer === null ? serverNow() : now))
}

export function Ago({ at, fallback = '–' }: { at: string | null | undefined; fallback?: string }) {
  const { zone } = usePreferences()
  const text = useNow((moment) => (at ? relative(at, moment) : fallback))
  if (!at) return <span>{fallback}</span>
  return (
    <time className="cg-num" dateTime={at} title={absolute(at, zone)}>
      {text}
    </time>
  )
}

/** The exact moment, and how long ago. */
export function Moment({ at }: { at: string | null | undefined }) {
  const { zone } = usePreferences()
  if (!at) return <span>–</span>
  return (
    <span>
      <time dateTime={at}>{absolute(at, zone)}</time>
      {' · '}
      <Ago at={at} />
    </span>
  )
}

export function Clock({ at }: { at: string }) {
  const { zone } = usePreferences()
  return (
    <time className="cg-num" dateTime={at} title={absolute(at, zone)}>
      {clock(at, zone)}
    </time>
  )
}

/** How long something took, or has been taking. */
export function Took({ from, to }: { from: string | null; to: string | null }) {
  const text = useNow((moment) => {
    if (!from) return '–'
    const end = to ? Date.parse(to) : moment
    const seconds = Math.max(0, (end - Date.parse(from)) / 1000)
    return duration(to ? seconds : Math.floor(seconds) || 0)
  })
  return <span className="cg-num">{text}</span>
}
