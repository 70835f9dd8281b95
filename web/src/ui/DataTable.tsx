/** A table whose pages, order and filters are the server's, and whose rows change in place. */
import { Button } from '@mantine/core'
import { type ColumnDef, columnVisibilityFeature, type RowData, tableFeatures, useTable } from '@tanstack/react-table'
import { type ReactNode, useMemo } from 'react'
import { usePreferences } from '~/settings/preferences'
import { ColumnMenu, useColumns } from '~/ui/columns'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { plural } from '~/ui/format'
import { useHeld } from '~/ui/held'
import { Icon } from '~/ui/Icon'
import { Pager } from '~/ui/Pager'
import { SelectCell } from '~/ui/SelectCell'
import { useSelection } from '~/ui/selection'
import { Waiting } from '~/ui/Waiting'
import classes from './DataTable.module.css'

export interface Column<T> {
  id: string
  header: string
  cell: (row: T) => ReactNode
  sortable?: boolean
  align?: 'end'
  /** Where it is too narrow for this column. */
  from?: 'sm' | 'md' | 'lg' | 'xl'
  grow?: boolean
}

export interface TableState {
  page: number
  pageSize: number
  total: number
  sort: string
  dir: 'asc' | 'desc'
  onChange: (change: { page?: number; sort?: string; dir?: 'asc' | 'desc' }) => void
}

interface DataTableProps<T> {
  id: string
  label: string
  columns: Column<T>[]
  rows: T[] | undefined
  keyOf: (row: T) => string
  state: TableState
  /** What the rows answer to, as text: another view may show other rows at once. */
  view: string
  settled: boolean
  error?: unknown
  onRetry?: () => void
  empty: ReactNode
  tools?: ReactNode
  selected?: string
  onOpen?: (row: T) => void
  choose?: Choose<T>
}

/** Rows may be chosen, to do one thing to all of them. */
export interface Choose<T> {
  /** What the rows answer to, but for their page. */
  scope: string
  nameOf: (row: T) => string
  acts: (rows: T[], clear: () => void) => ReactNode
}

const features = tableFeatures({ columnVisibilityFeature })
const NO_ROWS: never[] = []

export function DataTable<T extends RowData>(props: DataTableProps<T>) {
  const { columns, rows, keyOf, state, view, settled } = props
  const { density } = usePreferences()
  const held = useHeld(view, rows ?? NO_ROWS, settled && rows !== undefined, keyOf)
  const [visible, setVisible] = useColumns(props.id)
  const definitions = useMemo(
    () =>
      columns.map(
        (column): ColumnDef<typeof features, T> => ({
          id: column.id,
          header: column.header,
          cell: ({ row }) => column.cell(row.original),
        }),
      ),
    [columns],
  )
  const table = useTable({
    features,
    columns: definitions,
    data: held.rows,
    getRowId: keyOf,
    state: { columnVisibility: visible },
  })
  const selection = useSelection(props.choose?.scope ?? '', held.rows, keyOf)
  const { choose } = props
  const looks = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns])

  return (
    <div className={classes.frame}>
      <div className={classes.tools}>
        {props.tools}
        <div className={classes.right}>
          {(held.waiting > 0 || held.gone.size > 0) && (
            <Button leftSection={<Icon name="up" />} onClick={held.accept} size="xs" variant="light">
              {held.waiting > 0 ? plural(held.waiting, 'new row') : `${held.gone.size} gone`}
            </Button>
          )}
          <ColumnMenu columns={columns} onChange={setVisible} visible={visible} />
        </div>
      </div>
      {choose && selection.chosen.size > 0 && (
        <section aria-label="Chosen rows" className={classes.chosen}>
          <strong aria-live="polite">{selection.chosen.size} selected</strong>
          {choose.acts([...selection.chosen.values()], selection.clear)}
          <Button data-clear-choice onClick={selection.clear} size="compact-sm" variant="subtle">
            Clear
          </Button>
        </section>
      )}
      {props.error ? (
        <div className={classes.error}>
          <ErrorPanel error={props.error} onRetry={props.onRetry} />
        </div>
      ) : null}
      {rows === undefined && !props.error && <Waiting lines={8} />}
      {rows !== undefined && held.rows.length === 0 && props.empty}
      {held.rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by key
        <section aria-label={props.label} className={classes.scroll} tabIndex={0}>
          <table className={classes.table} data-density={density}>
            <thead>
              {table.getHeaderGroups().map((group) => (
                <tr key={group.id}>
                  {choose && (
                    <td data-choose>
                      <SelectCell checked={selection.all} label="Select all shown" onToggle={selection.toggleAll} />
                    </td>
                  )}
                  {group.headers.map((header) => (
                    <Head column={looks.get(header.id)} key={header.id} state={state} />
                  ))}
                </tr>
              ))}
            </thead>
            <tbody>
              {table.getRowModel().rows.map((row) => (
                <tr
                  className={classes.row}
                  data-gone={held.gone.has(row.id) || undefined}
                  data-opens={props.onOpen ? true : undefined}
                  data-selected={row.id === props.selected || selection.chosen.has(row.id) || undefined}
                  key={row.id}
                  onClick={(event) => opens(event) && props.onOpen?.(row.original)}
                >
                  {choose && (
                    <td data-choose>
                      <SelectCell
                        checked={selection.chosen.has(row.id)}
                        label={`Select ${choose.nameOf(row.original)}`}
                        onToggle={(range) => selection.toggle(row.id, range)}
                      />
                    </td>
                  )}
                  {row.getVisibleCells().map((cell, at) => (
                    <td
                      data-align={looks.get(cell.column.id)?.align}
                      data-from={looks.get(cell.column.id)?.from}
                      data-grow={looks.get(cell.column.id)?.grow}
                      key={cell.id}
                    >
                      <table.FlexRender cell={cell} />
                      {at === 0 && held.gone.has(row.id) && <span className={classes.gone}>gone</span>}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {state.total > 0 && <Pager state={state} />}
    </div>
  )
}

/** Whether a click was meant for the row: not for something in it, and not to mark text. */
function opens(event: React.MouseEvent): boolean {
  const target = event.target as HTMLElement
  return !target.closest('a, button, input, label') && !getSelection()?.toString()
}

function Head<T>({ column, state }: { column: Column<T> | undefined; state: TableState }) {
  if (!column) return <th />
  const sorted = state.sort === column.id
  const direction = state.dir === 'asc' ? 'ascending' : 'descending'
  return (
    <th aria-sort={sorted ? direction : undefined} data-align={column.align} data-from={column.from} scope="col">
      {column.sortable ? (
        <button
          className={classes.sort}
          onClick={() =>
            state.onChange({ sort: column.id, dir: sorted && state.dir === 'desc' ? 'asc' : 'desc', page: 1 })
          }
          type="button"
        >
          {column.header}
          {sorted && <Icon name={state.dir === 'asc' ? 'up' : 'down'} size={12} />}
        </button>
      ) : (
        column.header
      )}
    </th>
  )
}
