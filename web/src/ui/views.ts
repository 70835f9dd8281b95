/** Views that were saved under a name: the filters of a page, kept in this browser, and given away as a link. */
import { useSyncExternalStore } from 'react'
import { stringifySearch } from '~/ui/search'

export interface View {
  page: string
  name: string
  /** The search of the page, as its address has it. */
  search: string
}

const KEY = 'clustergenie-views'
const LONGEST = 64
const MOST = 100

function isView(one: unknown): one is View {
  const view = one as Partial<View> | null
  return [view?.page, view?.name, view?.search].every((part) => typeof part === 'string') && view?.name !== ''
}

function read(): View[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(kept) ? kept.filter(isView).slice(0, MOST) : []
  } catch {
    return []
  }
}

let views = read()
const listeners = new Set<() => void>()

function change(now: View[]): void {
  views = now.slice(0, MOST)
  try {
    localStorage.setItem(KEY, JSON.stringify(views))
  } catch {
    // Private windows may refuse; the views then last as long as this page.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useViews(page?: string): View[] {
  const known = useSyncExternalStore(subscribe, () => views)
  return page === undefined ? known : known.filter((one) => one.page === page)
}

/** Keep a view; one of the same name on the same page is replaced. */
export function saveView(view: View): void {
  const name = view.name.trim().slice(0, LONGEST)
  if (name === '') return
  change([...views.filter((one) => one.page !== view.page || one.name !== name), { ...view, name }])
}

export function removeView(view: View): void {
  change(views.filter((one) => one.page !== view.page || one.name !== view.name))
}

/** What of a page's search makes its view: not which page of it, nor what is open over it. */
export function searchOf(search: Record<string, unknown>): string {
  const { page: _page, open: _open, create: _create, edit: _edit, act: _act, save: _save, ...rest } = search
  return stringifySearch(rest)
}

/** The address that offers this view to whoever opens it. */
export function linkOf({ page, name, search }: View, base: string): string {
  const given = new URLSearchParams(search)
  given.set('save', name)
  return `${base}${page}?${given}`
}
