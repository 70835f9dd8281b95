/** Which failures stand on the page where they happened, so that the frame can tell of those that stand nowhere. */
import { useLayoutEffect } from 'react'
import { explain } from '~/api/problem'

/** By their words: two calls that fail alike need not be told of twice. */
const places = new Map<string, number>()
const listeners = new Set<() => void>()

function wordsOf(error: unknown): string {
  const { what, why } = explain(error)
  return `${what} ${why}`
}

function count(error: unknown, by: number): void {
  const words = wordsOf(error)
  const now = (places.get(words) ?? 0) + by
  if (now > 0) places.set(words, now)
  else places.delete(words)
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

export const isShown = (error: unknown): boolean => places.has(wordsOf(error))

export function onShown(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
