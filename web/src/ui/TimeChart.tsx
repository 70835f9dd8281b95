/** Values over time: crosshair, drag to zoom, arrow keys, and the same numbers as a table. */
import { Button, useComputedColorScheme } from '@mantine/core'
import { useEffect, useId, useMemo, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { usePreferences } from '~/settings/preferences'
import { type Line, type Mark, optionsOf, tableOf } from '~/ui/chart'
import { absolute } from '~/ui/format'
import { SimpleTable } from '~/ui/SimpleTable'
import classes from './TimeChart.module.css'

interface Props {
  title: string
  lines: Line[]
  /** Milliseconds. */
  from: number
  to: number
  format: (value: number) => string
  most?: number
  /** Charts of one key share their crosshair. */
  sync?: string
  onZoom?: (from: number, to: number) => void
  marks?: Mark[]
}

const NO_MARKS: Mark[] = []

const ROWS_SHOWN = 60

export function TimeChart({ title, lines, from, to, format, most, sync, onZoom, marks = NO_MARKS }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(null)
  const [at, setAt] = useState<number | null>(null)
  const [asTable, setAsTable] = useState(false)
  const scheme = useComputedColorScheme('light')
  const { zone } = usePreferences()
  const id = useId()
  const table = useMemo(() => tableOf(lines), [lines])
  const zoom = useRef(onZoom)
  const marked = useRef(marks)
  const shape = lines.map((line) => `${line.name}${line.low ? '±' : ''}`).join('|')
  useEffect(() => {
    zoom.current = onZoom
    marked.current = marks
  })

  // biome-ignore lint/correctness/useExhaustiveDependencies: the shape stands for the lines; scheme and zone change what is drawn
  useEffect(() => {
    const holder = box.current
    if (!holder || asTable) return
    const made = new uPlot(
      optionsOf({
        marks: () => marked.current,
        holder,
        lines,
        format,
        most,
        sync,
        zone,
        onCursor: setAt,
        onZoom: (a, b) => zoom.current?.(a, b),
      }),
      table.data,
      holder,
    )
    chart.current = made
    made.setScale('x', { min: from / 1000, max: to / 1000 })
    const watcher = new ResizeObserver(() => made.setSize({ width: holder.clientWidth, height: made.height }))
    watcher.observe(holder)
    return () => {
      watcher.disconnect()
      made.destroy()
      chart.current = null
    }
  }, [shape, scheme, zone, asTable, sync, most])

  useEffect(() => {
    chart.current?.setData(table.data, false)
    chart.current?.setScale('x', { min: from / 1000, max: to / 1000 })
  }, [table, from, to])
  // biome-ignore lint/correctness/useExhaustiveDependencies: other marks, same lines: drawn again
  useEffect(() => chart.current?.redraw(false), [marks])

  const times = table.data[0]
  const shown = at !== null && at < times.length ? at : times.length - 1

  function move(by: number): void {
    const next = Math.min(Math.max(shown + by, 0), times.length - 1)
    setAt(next)
    const x = times[next]
    if (chart.current && x !== undefined) chart.current.setCursor({ left: chart.current.valToPos(x, 'x'), top: 20 })
  }

  return (
    <figure aria-labelledby={id} className={classes.chart}>
      <figcaption className={classes.head}>
        <span className={classes.title} id={id}>
          {title}
        </span>
        <span aria-live={at === null ? 'off' : 'polite'} className={classes.reading}>
          {shown >= 0 && <Reading at={shown} format={format} lines={lines} table={table} zone={zone} />}
        </span>
        <Button onClick={() => setAsTable(!asTable)} size="compact-xs" variant="subtle">
          {asTable ? 'View as chart' : 'View as table'}
        </Button>
      </figcaption>
      {asTable ? (
        <div className={classes.table}>
          <SimpleTable
            columns={['Time', ...lines.map((line) => line.name)]}
            label={`${title}, values`}
            rows={table.rows(ROWS_SHOWN).map((row) => ({
              key: String(row.time),
              cells: [
                absolute(new Date(row.time * 1000).toISOString(), zone),
                ...row.values.map((value) => (value === null ? '–' : format(value))),
              ],
            }))}
          />
        </div>
      ) : (
        <div
          aria-label={`${title}: arrow keys read values`}
          className={classes.plot}
          onKeyDown={(event) => {
            const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key]
            if (step === undefined) return
            event.preventDefault()
            move(step)
          }}
          ref={box}
          role="slider"
          aria-valuemax={times.length - 1}
          aria-valuemin={0}
          aria-valuenow={Math.max(0, shown)}
          tabIndex={0}
        />
      )}
    </figure>
  )
}

interface ReadingProps {
  at: number
  lines: Line[]
  table: ReturnType<typeof tableOf>
  format: (value: number) => string
  zone: 'local' | 'utc'
}

function Reading({ at, lines, table, format, zone }: ReadingProps) {
  const time = table.data[0][at]
  if (time === undefined) return null
  return (
    <>
      <span className="cg-dim">{absolute(new Date(time * 1000).toISOString(), zone).slice(11, 19)}</span>
      {lines.map((line, index) => {
        const value = table.valueAt(index, at)
        return (
          <span className={classes.value} key={line.name} style={{ '--line': line.colour } as React.CSSProperties}>
            {lines.length > 1 && `${line.name} `}
            <strong>{value === null ? '–' : format(value)}</strong>
          </span>
        )
      })}
    </>
  )
}
