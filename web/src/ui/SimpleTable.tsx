/** A small table that has no pages and no order to choose. */
import type { ReactNode } from 'react'
import { SelectCell } from '~/ui/SelectCell'
import type { Selection } from '~/ui/selection'
import classes from './DataTable.module.css'

interface SimpleTableProps {
  label: string
  columns: string[]
  rows: { key: string; cells: ReactNode[] }[]
  /** Rows may be chosen; a key is said by `nameOf`. */
  choose?: { selection: Selection<unknown>; nameOf: (key: string) => string }
}

export function SimpleTable({ label, columns, rows, choose }: SimpleTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by key
    <section aria-label={label} className={classes.scroll} tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            {choose && (
              <td data-choose>
                <SelectCell
                  checked={choose.selection.all}
                  label="Select all shown"
                  onToggle={choose.selection.toggleAll}
                />
              </td>
            )}
            {columns.map((column, at) => (
              <th key={column || at} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              className={classes.row}
              data-selected={choose?.selection.chosen.has(row.key) || undefined}
              key={row.key}
            >
              {choose && (
                <td data-choose>
                  <SelectCell
                    checked={choose.selection.chosen.has(row.key)}
                    label={`Select ${choose.nameOf(row.key)}`}
                    onToggle={(range) => choose.selection.toggle(row.key, range)}
                  />
                </td>
              )}
              {row.cells.map((cell, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns do not move
                <td key={at}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
