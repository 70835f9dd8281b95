/** What each answer says about the server: its clock and its version. */
import { useSyncExternalStore } from 'react'

let offset = 0
let version = ''
let newer = false
const listeners = new Set<() => void>()

/** Read the clock and the version from an answer. */
export function noteServer(response: Response): void {
  const date = Date.parse(response.headers.get('date') ?? '')
  // The header has whole seconds: only a difference beyond that says that this computer's clock is off.
  if (Number.isFinite(date)) offset = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0
  const said = response.headers.get('x-clustergenie-version')
  if (!said) return
  if (version && said !== version) newer = true
  if (version !== said) version = said
  for (const listener of listeners) listener()
}

/** Now, by the server's clock, in milliseconds: this computer's may be wrong. */
export function serverNow(): number {
  return Date.now() + offset
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The server's version, and whether it changed since this page was loaded. */
export function useServerVersion(): { version: string; changed: boolean } {
  const known = useSyncExternalStore(subscribe, () => version)
  const changed = useSyncExternalStore(subscribe, () => newer)
  return { version: known, changed }
}
