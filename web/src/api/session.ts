/** What every call has to know of the login: the token that proves our own page, and who to tell of a refusal. */

let token: string | null = null
const listeners = new Set<() => void>()

/** Of this browser's session; null without one, as on this machine itself. */
export function setCsrfToken(now: string | null): void {
  token = now
}

const SAFE = ['GET', 'HEAD', 'OPTIONS']

/** The headers that a call of this method needs beside its own. */
export function proof(method: string): Record<string, string> {
  return token === null || SAFE.includes(method.toUpperCase()) ? {} : { 'X-CSRF-Token': token }
}

/** An answer came: one that says "not signed in" is passed on, but for the calls that sign in. */
export function noteAnswer(response: Response): void {
  if (response.status !== 401 || /\/auth\/(login|setup|me)$/.test(new URL(response.url).pathname)) return
  for (const listener of listeners) listener()
}

export function onSignedOut(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
