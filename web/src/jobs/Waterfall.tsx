/** Where the time of a job went. */
import type { Attempt, Job } from '~/jobs/api'
import type { Step } from '~/jobs/timeline'
import { barsOf } from '~/jobs/waterfall'
import { duration } from '~/ui/format'
import { useNow } from '~/ui/Time'
import classes from './Waterfall.module.css'

export function Waterfall({ job, attempts, steps }: { job: Job; attempts: Attempt[]; steps: Step[] }) {
  const now = useNow((moment) => (job.completed_at ? 0 : Math.floor(moment / 1000) * 1000))
  const { bars, end } = barsOf(job, attempts, steps, now)
  return (
    <ol className={classes.waterfall}>
      {bars.map((one) => (
        <li data-inner={one.inner || undefined} key={one.key}>
          <span className={classes.label} title={one.label}>
            {one.label}
          </span>
          <span className={classes.track}>
            <span
              className={classes.bar}
              style={
                {
                  '--tone': `var(--cg-${one.tone})`,
                  left: `${(100 * one.from) / end}%`,
                  width: `max(3px, ${(100 * (one.to - one.from)) / end}%)`,
                } as React.CSSProperties
              }
            />
          </span>
          <span className={classes.took}>{duration((one.to - one.from) / 1000)}</span>
        </li>
      ))}
    </ol>
  )
}
