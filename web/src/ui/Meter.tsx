/** A percentage as a short bar and a number. */
import { percent } from '~/ui/format'
import classes from './Meter.module.css'

export function Meter({ value, label }: { value: number | null | undefined; label: string }) {
  if (value === null || value === undefined) return <span className="cg-dim">–</span>
  const share = Math.min(100, Math.max(0, value))
  return (
    <span className={classes.meter} title={`${label} ${percent(value)}`}>
      <span aria-hidden="true" className={classes.track}>
        <span
          className={classes.fill}
          data-level={share >= 90 ? 'bad' : share >= 75 ? 'warn' : undefined}
          style={{ width: `${Math.max(share, 2)}%` }}
        />
      </span>
      <span className={classes.number}>{percent(value)}</span>
    </span>
  )
}
