/** One chart of one or two measurements. */
import { useQueries } from '@tanstack/react-query'
import { useMemo } from 'react'
import { seriesOf, type Whose } from '~/monitoring/api'
import type { Line, Mark } from '~/ui/chart'
import { ErrorPanel } from '~/ui/ErrorPanel'
import type { Range } from '~/ui/range'
import { TimeChart } from '~/ui/TimeChart'
import { Waiting } from '~/ui/Waiting'

interface Props {
  title: string
  subject: string
  whose: Whose
  /** Type, name, and the CSS variable of the colour. */
  lines: readonly (readonly [string, string, string])[]
  range: Range
  fresh: boolean
  format: (value: number) => string
  onZoom: (from: number, to: number) => void
  marks: Mark[]
}

export function Chart({ title, subject, whose, lines, range, fresh, format, onZoom, marks }: Props) {
  const results = useQueries({ queries: lines.map(([type]) => seriesOf(whose, type, range, fresh)) })
  const error = results.find((one) => one.error)?.error
  const first = results[0]?.data
  const known = results.map((one) => one.data)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the answers themselves are what changes
  const drawn = useMemo(
    () =>
      lines.map(
        ([, name, colour], at): Line => ({
          name,
          colour: `var(${colour})`,
          points: known[at]?.points ?? [],
          low: lines.length === 1,
        }),
      ),
    [...known, lines],
  )
  if (error) return <ErrorPanel compact error={error} onRetry={() => results.forEach((one) => void one.refetch())} />
  if (!first) return <Waiting height={30} lines={5} />
  return (
    <TimeChart
      format={format}
      from={first.from}
      lines={drawn}
      marks={marks}
      onZoom={onZoom}
      sync="monitoring"
      title={`${title} of ${subject}`}
      to={first.to}
    />
  )
}
