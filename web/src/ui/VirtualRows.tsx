/** Rows of one height, of which only those in view exist: a list may be as long as it likes. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useRef } from 'react'

interface VirtualRowsProps<T> {
  rows: T[]
  keyOf: (row: T) => string | number
  rowHeight: number
  height: string
  label: string
  render: (row: T) => ReactNode
}

export function VirtualRows<T>({ rows, keyOf, rowHeight, height, label, render }: VirtualRowsProps<T>) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (at) => keyOf(rows[at] as T),
    overscan: 12,
  })
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by key
    <section aria-label={label} ref={scroller} style={{ height, overflow: 'auto' }} tabIndex={0}>
      <ul style={{ height: virtual.getTotalSize(), position: 'relative', margin: 0, padding: 0, listStyle: 'none' }}>
        {virtual.getVirtualItems().map((item) => (
          <li
            key={item.key}
            style={{ position: 'absolute', top: 0, left: 0, right: 0, transform: `translateY(${item.start}px)` }}
          >
            {render(rows[item.index] as T)}
          </li>
        ))}
      </ul>
    </section>
  )
}
