/** The live feed of this page, and the hooks that components read it with. */
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { serverUrl } from '~/api/client'
import { queryClient } from '~/api/queries'
import { Feed, type FeedState } from '~/live/feed'
import { Freshness, POLL } from '~/live/freshness'
import type { LiveEvent } from '~/live/stream'

const base = serverUrl()
const feed = new Feed(`clustergenie-live ${base}`, () => `${base}/api/v1/events/stream`)

/** Begin to follow; returns how to stop. */
export function startLive(): () => void {
  const freshness = new Freshness(queryClient)
  let polling: ReturnType<typeof setInterval> | null = null
  const started = Date.now()

  function onState(): void {
    // Rows that were read before the first connection may be older than where the stream began.
    if (feed.state.connection === 'live' && Date.now() - started > 200 && !opened) freshness.refetchAll()
    if (feed.state.connection === 'live') opened = true
    const poll = feed.state.connection === 'polling'
    if (poll) polling ??= setInterval(() => freshness.refetchAll(), POLL)
    else if (polling) {
      clearInterval(polling)
      polling = null
      freshness.refetchAll()
    }
  }

  function onVisible(): void {
    if (!document.hidden) freshness.wake()
  }

  const deaf = feed.listen({
    onEvents: (events) => freshness.take(events),
    onResync: () => freshness.refetchAll(),
    onState,
  })
  document.addEventListener('visibilitychange', onVisible)
  feed.start()
  return () => {
    deaf()
    document.removeEventListener('visibilitychange', onVisible)
    if (polling) clearInterval(polling)
    freshness.stop()
    feed.stop()
  }
}

let opened = false

/** Resolves when the stream is open. */
export function listening(): Promise<void> {
  return new Promise((resolve) => {
    const deaf = feed.listen({
      onState: () => {
        if (feed.state.connection !== 'live') return
        deaf()
        resolve()
      },
    })
  })
}

function subscribe(listener: () => void): () => void {
  return feed.listen({ onState: listener })
}

/** How the connection is; changes when it does. */
export function useFeedState(): FeedState {
  return useSyncExternalStore(subscribe, () => feed.state)
}

/** Call `take` with events as they arrive, while the component is mounted. */
export function useLiveEvents(take: (events: LiveEvent[]) => void): void {
  const latest = useRef(take)
  useEffect(() => {
    latest.current = take
  })
  useEffect(() => feed.listen({ onEvents: (events) => latest.current(events) }), [])
}
