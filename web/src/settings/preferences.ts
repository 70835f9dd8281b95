/** What a person chose for this browser, kept in localStorage and shared by its tabs. */
import { useSyncExternalStore } from 'react'
import type { Zone } from '~/ui/format'

export interface Preferences {
  zone: Zone
  density: 'comfortable' | 'compact'
  /** Single-key shortcuts can be switched off (WCAG 2.1.4). */
  singleKeys: boolean
}

export const DEFAULTS: Preferences = { zone: 'local', density: 'comfortable', singleKeys: true }
export const THEME_KEY = 'clustergenie-color-scheme'
const KEY = 'clustergenie-preferences'
const listeners = new Set<() => void>()
let current = read()

function read(): Preferences {
  try {
    return understand(JSON.parse(localStorage.getItem(KEY) ?? '{}'))
  } catch {
    return DEFAULTS
  }
}

/** Preferences from what was kept, maybe by another version: what is not understood falls back. */
export function understand(kept: unknown): Preferences {
  const said = (typeof kept === 'object' && kept !== null ? kept : {}) as Partial<Preferences>
  return {
    zone: said.zone === 'utc' ? 'utc' : 'local',
    density: said.density === 'compact' ? 'compact' : 'comfortable',
    singleKeys: said.singleKeys !== false,
  }
}

export function setPreference<K extends keyof Preferences>(name: K, value: Preferences[K]): void {
  current = { ...current, [name]: value }
  try {
    localStorage.setItem(KEY, JSON.stringify(current))
  } catch {
    // Private windows may refuse; the choice then holds for this page.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  const onStorage = (event: StorageEvent) => {
    if (event.key !== KEY) return
    current = read()
    listener()
  }
  listeners.add(listener)
  addEventListener('storage', onStorage)
  return () => {
    listeners.delete(listener)
    removeEventListener('storage', onStorage)
  }
}

export function preferences(): Preferences {
  return current
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences)
}
