/** Every attempt at a job, the last one first; a failure that was retried stays to be read. */
import { Text } from '@mantine/core'
import type { Attempt } from '~/jobs/api'
import { Status } from '~/ui/Status'
import { Clock, Took } from '~/ui/Time'
import { Waiting } from '~/ui/Waiting'
import classes from './Attempts.module.css'

export function Attempts({ attempts, most }: { attempts: Attempt[] | undefined; most: number }) {
  if (!attempts) return <Waiting lines={2} />
  if (attempts.length === 0) {
    return (
      <Text c="dimmed" size="sm">
        None yet; up to {most} will be made.
      </Text>
    )
  }
  return (
    <ol className={classes.attempts} reversed>
      {[...attempts].reverse().map((one) => (
        <li key={`${one.attempt} ${one.fence}`}>
          <div className={classes.head}>
            <strong>Attempt {one.attempt}</strong>
            <Status status={one.outcome} />
            <span className={classes.when}>
              {one.started_at && <Clock at={one.started_at} />} · <Took from={one.started_at} to={one.ended_at} />
            </span>
          </div>
          {one.error && <div className={classes.error}>{one.error}</div>}
          {one.worker_id && <div className="cg-mono cg-dim">{one.worker_id}</div>}
        </li>
      ))}
    </ol>
  )
}
