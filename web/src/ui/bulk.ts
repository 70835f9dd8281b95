/** One act on many things, as the console prepares it: what it will do, and the call that does a part of it. */
import type { Schemas } from '~/api/client'
import type { Plan } from '~/ui/ChangeDialog'

export interface Bulk {
  plan: Plan
  ids: string[]
  nameOf: (id: string) => string
  call: (ids: string[]) => Promise<Schemas['BulkReply']>
}

/** As many as one call takes while it still can be seen to advance; the server accepts 100. */
const PART = 20

export function inParts<T>(all: readonly T[], size: number = PART): T[][] {
  const parts: T[][] = []
  for (let start = 0; start < all.length; start += size) parts.push(all.slice(start, start + size))
  return parts
}
