/** Read typed state out of a URL's search: what is not understood is left out, never an error. */

export type Raw = Record<string, unknown>

export function text(value: unknown, longest = 255): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, longest) : undefined
}

export function oneOf<const T extends string>(value: unknown, known: readonly T[]): T | undefined {
  return known.find((one) => one === value)
}

export function whole(value: unknown, least = 1, most = 1_000_000): number | undefined {
  const parsed = typeof value === 'number' ? value : typeof value === 'string' ? Number(value) : Number.NaN
  return Number.isInteger(parsed) && parsed >= least && parsed <= most ? parsed : undefined
}

export function flag(value: unknown): true | undefined {
  return value === true || value === 'true' || value === '1' || undefined
}

export interface TableSearch {
  page?: number
  sort?: string
  dir?: 'asc' | 'desc'
  /** The name of a view that this address offers. */
  save?: string
}

/** Page and order, as every table keeps them. The first page is not written down. */
export function tableSearch(search: Raw, sortable: readonly string[]): TableSearch {
  const page = whole(search.page)
  return {
    page: page === 1 ? undefined : page,
    sort: oneOf(search.sort, sortable),
    dir: oneOf(search.dir, ['asc', 'desc']),
    save: text(search.save, 64),
  }
}

/** `?page=2&status=failed` as plain words: readable, and the same as the API's own parameters. */
export function parseSearch(search: string): Raw {
  return Object.fromEntries(new URLSearchParams(search))
}

export function stringifySearch(search: Raw): string {
  const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

/**
 * All of it optional: a link need not name what it does not care about. What was not understood stays, as undefined:
 * the router lays this over the raw search, whose words would show through a gap.
 */
export function given<T extends object>(search: T): Partial<T> {
  return search
}
