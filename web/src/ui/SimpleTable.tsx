/** A small table that has no pages and no order to choose. */
import type { ReactNode } from 'react'
import classes from './DataTable.module.css'

interface SimpleTableProps {
  label: string
  columns: string[]
  rows: { key: string; cells: ReactNode[] }[]
}

export function SimpleTable({ label, columns, rows }: SimpleTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by key
    <section aria-label={label} className={classes.scroll} tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th key={column || at} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr className={classes.row} key={row.key}>
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
