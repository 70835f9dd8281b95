/** One chart of one or two measurements. */
import { useMemo } from 'react'
import type { Charts } from '~/monitoring/api'
import type { Line, Mark } from '~/ui/chart'
import { TimeChart } from '~/ui/TimeChart'
import { Waiting } from '~/ui/Waiting'

interface Props {
  title: string
  subject: string
  charts: Charts | undefined
  /** Type, name, and the CSS variable of the colour. */
  lines: readonly (readonly [string, string, string])[]
  format: (value: number) => string
  onZoom: (from: number, to: number) => void
  marks: Mark[]
}

export function Chart({ title, subject, charts, lines, format, onZoom, marks }: Props) {
  const drawn = useMemo(
    () =>
      lines.map(
        ([type, name, colour]): Line => ({
          name,
          colour: `var(${colour})`,
          points: charts?.points[type] ?? [],
          low: lines.length === 1,
        }),
      ),
    [charts, lines],
  )
  if (!charts) return <Waiting height={30} lines={5} />
  return (
    <TimeChart
      format={format}
      from={charts.from}
      lines={drawn}
      marks={marks}
      onZoom={onZoom}
      sync="monitoring"
      title={`${title} of ${subject}`}
      to={charts.to}
    />
  )
}
