/** Choose one tab of this browser to hold the stream: HTTP/1.1 allows six connections, and a person opens ten tabs. */

const LEASE = 6000
const TURN = 2000

/** Call `lead` once this tab is chosen; its return value ends its reign. Returns how to leave. */
export function elect(name: string, lead: () => () => void): () => void {
  // Web Locks need a secure context; over plain HTTP on another computer a lease in localStorage does it.
  return 'locks' in navigator && navigator.locks ? byLock(name, lead) : byLease(name, lead)
}

function byLock(name: string, lead: () => () => void): () => void {
  const leaving = new AbortController()
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  navigator.locks
    .request(name, { signal: leaving.signal }, async () => {
      const abdicate = lead()
      await held
      abdicate()
    })
    .catch(() => undefined) // aborted while waiting: somebody else leads
  return () => {
    release()
    leaving.abort()
  }
}

/** Exported for its test; see `elect`. */
export function byLease(name: string, lead: () => () => void, turn: number = TURN, lease: number = LEASE): () => void {
  const me = `${Date.now()}-${Math.random()}`
  let abdicate: (() => void) | null = null

  function holder(): { who: string; until: number } | null {
    try {
      return JSON.parse(localStorage.getItem(name) ?? 'null')
    } catch {
      return null
    }
  }

  function step(): void {
    const now = holder()
    const free = now === null || now.until < Date.now() || now.who === me
    if (free) {
      localStorage.setItem(name, JSON.stringify({ who: me, until: Date.now() + lease }))
      abdicate ??= lead()
    } else if (abdicate) {
      abdicate()
      abdicate = null
    }
  }

  function leave(): void {
    clearInterval(timer)
    removeEventListener('pagehide', leave)
    abdicate?.()
    abdicate = null
    if (holder()?.who === me) localStorage.removeItem(name)
  }

  step()
  const timer = setInterval(step, turn)
  addEventListener('pagehide', leave)
  return leave
}
