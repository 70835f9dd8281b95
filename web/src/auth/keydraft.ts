/** A key as its form has it, and as the API wants it; pure. */
import type { Grant, Key, KeySpec, Role } from '~/auth/api'

export interface GrantDraft {
  /** Only tells the lines of the form apart. */
  line: number
  role: Role
  /** None: all of them. */
  clusters: string[]
}

export interface KeyDraft {
  name: string
  grants: GrantDraft[]
  /** `never`, `keep` (as it is), a number of days, or a date. */
  expires: string
}

export const LIVES = [
  { value: 'never', label: 'Never' },
  { value: '7', label: 'In 7 days' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
]

const DAY = 86_400_000
const draftOfGrant = ({ role, clusters }: Grant, line: number): GrantDraft => ({ line, role, clusters: clusters ?? [] })

/** The first key ends the time without keys: it had better be one that can make others, and that lasts. */
export function draftOfKey(key: Key | undefined, first = false): KeyDraft {
  if (first) return { name: 'admin', grants: [{ line: 0, role: 'admin', clusters: [] }], expires: 'never' }
  if (!key) return { name: '', grants: [{ line: 0, role: 'operator', clusters: [] }], expires: '90' }
  return { name: key.name, grants: key.grants.map(draftOfGrant), expires: key.expires_at ? 'keep' : 'never' }
}

/** What is sent; `now` in milliseconds. Null while it has no name. */
export function specOfKey(draft: KeyDraft, now: number, before?: Key): KeySpec | null {
  if (draft.name.trim() === '' || draft.grants.length === 0) return null
  const days = Number(draft.expires)
  const ends =
    draft.expires === 'never'
      ? null
      : draft.expires === 'keep'
        ? (before?.expires_at ?? null)
        : new Date(now + days * DAY).toISOString()
  return {
    name: draft.name.trim(),
    grants: draft.grants.map(({ role, clusters }) => ({ role, clusters: clusters.length > 0 ? clusters : null })),
    expires_at: ends,
  }
}
