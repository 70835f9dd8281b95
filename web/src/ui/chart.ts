/** How a chart is drawn with uPlot: axes, colours, band and crosshair; no React in here. */
import uPlot from 'uplot'
import { absolute, type Zone } from '~/ui/format'

export interface Point {
  /** Milliseconds. */
  at: number
  value: number
  low?: number | null
  high?: number | null
}

export interface Line {
  name: string
  colour: string
  points: Point[]
  /** Whether the lowest and highest of each step are drawn as a band. */
  low?: boolean
}

/** Something that happened at a moment, drawn as a line from top to bottom. */
export interface Mark {
  /** Milliseconds. */
  at: number
  tone: 'ok' | 'busy' | 'warn' | 'bad' | 'idle'
}

interface Look {
  marks: () => Mark[]
  holder: HTMLElement
  lines: Line[]
  format: (value: number) => string
  most: number | undefined
  sync: string | undefined
  zone: Zone
  onCursor: (at: number | null) => void
  onZoom: (from: number, to: number) => void
}

const HEIGHT = 190
const SHORTEST_ZOOM = 10_000

/** The lines as columns over all their times; a line with a band takes three columns. */
export function tableOf(lines: Line[]) {
  const times = [...new Set(lines.flatMap((line) => line.points.map((point) => point.at / 1000)))].sort((a, b) => a - b)
  const columns: (number | null)[][] = []
  const starts: number[] = []
  for (const line of lines) {
    const known = new Map(line.points.map((point) => [point.at / 1000, point]))
    starts.push(columns.length)
    columns.push(times.map((time) => known.get(time)?.value ?? null))
    if (line.low) {
      columns.push(times.map((time) => known.get(time)?.high ?? null))
      columns.push(times.map((time) => known.get(time)?.low ?? null))
    }
  }
  const valueAt = (line: number, at: number): number | null => columns[starts[line] ?? 0]?.[at] ?? null
  return {
    data: [times, ...columns] as [number[], ...(number | null)[][]],
    valueAt,
    /** The newest first. */
    rows: (most: number) =>
      times
        .map((time, at) => ({ time, values: lines.map((_, line) => valueAt(line, at)) }))
        .reverse()
        .slice(0, most),
  }
}

function seriesOf(lines: Line[], paint: (colour: string) => string): { series: uPlot.Series[]; bands: uPlot.Band[] } {
  const series: uPlot.Series[] = [{}]
  const bands: uPlot.Band[] = []
  for (const line of lines) {
    const colour = paint(line.colour)
    series.push({
      label: line.name,
      stroke: colour,
      width: 1.75,
      points: { show: line.points.length < 3 },
      spanGaps: false,
    })
    if (!line.low) continue
    const edge = { stroke: 'transparent', width: 0, points: { show: false } }
    bands.push({ series: [series.length, series.length + 1], fill: `${colour}26` })
    series.push({ ...edge, label: 'highest' }, { ...edge, label: 'lowest' })
  }
  return { series, bands }
}

const MINUTE = 60

/** "14:05" below an axis; at midnight the day, and seconds where ticks are that close. */
function tickOf(seconds: number, zone: Zone): string {
  const text = absolute(new Date(seconds * 1000).toISOString(), zone)
  if (text.slice(11, 19) === '00:00:00') return text.slice(5, 10)
  return seconds % MINUTE === 0 ? text.slice(11, 16) : text.slice(11, 19)
}

function drawMarks(chart: uPlot, marks: Mark[], paint: (colour: string) => string): void {
  const { ctx, bbox } = chart
  ctx.save()
  ctx.lineWidth = devicePixelRatio
  for (const mark of marks) {
    const x = Math.round(chart.valToPos(mark.at / 1000, 'x', true))
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.strokeStyle = ctx.fillStyle = paint(`var(--cg-${mark.tone})`)
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio])
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    ctx.beginPath()
    ctx.arc(x, bbox.top + 3 * devicePixelRatio, 3 * devicePixelRatio, 0, 2 * Math.PI)
    ctx.fill()
  }
  ctx.restore()
}

export function optionsOf(look: Look): uPlot.Options {
  const styles = getComputedStyle(look.holder)
  const paint = (colour: string) => {
    const name = colour.match(/^var\((--[^)]+)\)$/)?.[1]
    return name ? styles.getPropertyValue(name).trim() : colour
  }
  const axis = {
    stroke: paint('var(--cg-idle)'),
    grid: { stroke: paint('var(--cg-line)'), width: 1 },
    ticks: { show: false },
    font: '12px "Inter Variable", system-ui, sans-serif',
  }
  return {
    width: look.holder.clientWidth || 600,
    height: HEIGHT,
    ...seriesOf(look.lines, paint),
    legend: { show: false },
    padding: [8, 8, 0, 0],
    tzDate: (seconds) =>
      look.zone === 'utc' ? uPlot.tzDate(new Date(seconds * 1000), 'UTC') : new Date(seconds * 1000),
    cursor: {
      drag: { x: true, y: false, setScale: false },
      points: { size: 7 },
      ...(look.sync ? { sync: { key: look.sync } } : {}),
    },
    scales: {
      x: { time: true, auto: false },
      y: { range: (_, low, high) => [Math.min(0, low ?? 0), look.most ?? Math.max(1, (high ?? 1) * 1.15)] },
    },
    axes: [
      { ...axis, size: 30, values: (_, ticks) => ticks.map((tick) => tickOf(tick, look.zone)) },
      { ...axis, size: 62, values: (_, ticks) => ticks.map(look.format) },
    ],
    hooks: {
      draw: [(chart) => drawMarks(chart, look.marks(), paint)],
      setCursor: [
        (chart) =>
          look.onCursor(chart.cursor.left !== undefined && chart.cursor.left >= 0 ? (chart.cursor.idx ?? null) : null),
      ],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select
          if (width < 4) return
          const from = chart.posToVal(left, 'x') * 1000
          const to = chart.posToVal(left + width, 'x') * 1000
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          if (to - from >= SHORTEST_ZOOM) look.onZoom(from, to)
        },
      ],
    },
  }
}
