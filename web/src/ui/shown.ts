/** Which failures stand on the page where they happened, so that the frame can tell of those that stand nowhere. */
import { useLayoutEffect } from 'react'

const places = new Map<unknown, number>()
const listeners = new Set<() => void>()

function count(error: unknown, by: number): void {
  const now = (places.get(error) ?? 0) + by
  if (now > 0) places.set(error, now)
  else places.delete(error)
  for (const listener of listeners) listener()
}

/** While the component is mounted, this failure has its place; null says that it has not. */
export function useShown(error: unknown): void {
  useLayoutEffect(() => {
    if (error === null) return
    count(error, 1)
    return () => count(error, -1)
  }, [error])
}

export const isShown = (error: unknown): boolean => places.has(error)

export function onShown(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
