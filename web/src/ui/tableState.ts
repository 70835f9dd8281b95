/** Join a table to the URL: its page and order are read from the search and written back to it. */
import type { TableState } from '~/ui/DataTable'
import type { TableSearch } from '~/ui/search'

export const PAGE_SIZE = 50

interface Source {
  search: TableSearch
  total: number | undefined
  usual: string
  usualDir?: 'asc' | 'desc'
  pageSize?: number
  write: (change: TableSearch) => void
}

export function tableState({
  search,
  total,
  usual,
  usualDir = 'desc',
  pageSize = PAGE_SIZE,
  write,
}: Source): TableState {
  return {
    page: search.page ?? 1,
    pageSize,
    total: total ?? 0,
    sort: search.sort ?? usual,
    dir: search.dir ?? usualDir,
    onChange: (change) => write({ ...search, ...change, page: (change.page ?? 1) === 1 ? undefined : change.page }),
  }
}

/** The API's own words for a table's page and order. */
export function paging(search: TableSearch, pageSize = PAGE_SIZE) {
  return {
    page: search.page ?? 1,
    page_size: pageSize,
    ...(search.sort ? { sort_by: search.sort } : {}),
    ...(search.dir ? { sort_dir: search.dir } : {}),
  }
}
