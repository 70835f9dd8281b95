/** Keep one connection to the event stream: resume after the last event, notice silence, back off, give up nothing. */
import { type Arrival, Parser } from '~/live/sse'

export interface LiveEvent {
  id: number
  type: string
  key: string
  seq: number
  message: string
  job_id: string | null
  job_type: string | null
  cluster_id: string | null
  droplet_id: string | null
  progress: number | null
  timestamp: string
  trace_id: string | null
  payload: Record<string, unknown>
}

export type Connection = 'connecting' | 'live' | 'reconnecting' | 'polling'

export interface StreamHooks {
  url: (lastId: string | null) => string
  onEvents: (events: LiveEvent[], lastId: string | null) => void
  /** Events were missed for good: what is shown must be read again. */
  onResync: (lastId: string | null) => void
  onConnection: (state: Connection) => void
}

export interface StreamTimes {
  /** Silence after which the line counts as dead; the server says something every 15 s. */
  silence: number
  firstWait: number
  longestWait: number
}

/** Told that trying again now may help: somebody has signed in. */
export const retryNow = new EventTarget()

const TIMES: StreamTimes = { silence: 40_000, firstWait: 500, longestWait: 15_000 }
const FAILURES_TO_POLL = 3

/** Follow the stream from `lastId` until the returned function is called. */
export function follow(hooks: StreamHooks, lastId: string | null, times: StreamTimes = TIMES): () => void {
  const stopped = new AbortController()
  let last = lastId
  let failures = 0

  async function read(response: Response, line: AbortController): Promise<void> {
    const reader = response.body?.getReader()
    if (!reader) throw new Error('no body')
    const parser = new Parser()
    const text = new TextDecoder()
    let alarm = setTimeout(() => line.abort(), times.silence)
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        clearTimeout(alarm)
        alarm = setTimeout(() => line.abort(), times.silence)
        failures = 0
        take(parser.read(text.decode(value, { stream: true })))
      }
    } finally {
      clearTimeout(alarm)
    }
  }

  function take({ messages, lastId: seen }: Arrival): void {
    if (seen !== null) last = seen
    const events: LiveEvent[] = []
    for (const message of messages) {
      if (message.event === 'resync') hooks.onResync(last)
      else events.push(JSON.parse(message.data) as LiveEvent)
    }
    // The place is news without any event, too: whoever goes on from here must know it.
    if (events.length > 0 || seen !== null) hooks.onEvents(events, last)
  }

  async function connect(): Promise<void> {
    const line = new AbortController()
    const end = () => line.abort()
    stopped.signal.addEventListener('abort', end)
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' }
      if (last !== null) headers['Last-Event-ID'] = last
      const response = await fetch(hooks.url(last), { headers, signal: line.signal, cache: 'no-store' })
      if (!response.ok) throw new Error(`HTTP ${response.status}`)
      hooks.onConnection('live')
      await read(response, line)
    } finally {
      stopped.signal.removeEventListener('abort', end)
      line.abort()
    }
  }

  async function run(): Promise<void> {
    hooks.onConnection('connecting')
    while (!stopped.signal.aborted) {
      try {
        await connect()
      } catch {
        // Any failure has the same answer: say so, wait, and try again from the last event.
      }
      if (stopped.signal.aborted) return
      failures += 1
      hooks.onConnection(failures >= FAILURES_TO_POLL ? 'polling' : 'reconnecting')
      const wait = Math.min(times.firstWait * 2 ** (failures - 1), times.longestWait)
      await pause(wait * (0.75 + Math.random() / 2), stopped.signal)
    }
  }

  void run()
  return () => stopped.abort()
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      retryNow.removeEventListener('now', done)
      resolve()
    }
    signal.addEventListener('abort', done)
    retryNow.addEventListener('now', done)
  })
}
