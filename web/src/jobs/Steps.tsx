/** What a job did, step by step, from its events. */
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { eventList } from '~/events/api'
import { ended, type Job } from '~/jobs/api'
import { type Step, stepsOf } from '~/jobs/timeline'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { duration } from '~/ui/format'
import { Icon, type IconName } from '~/ui/Icon'
import { Clock } from '~/ui/Time'
import { Waiting } from '~/ui/Waiting'
import classes from './Steps.module.css'

const LOOKS: Record<string, [IconName, string]> = {
  job_requested: ['wait', 'idle'],
  job_started: ['play', 'busy'],
  job_progress: ['right', 'busy'],
  job_completed: ['ok', 'ok'],
  job_failed: ['bad', 'bad'],
  job_cancelled: ['stop', 'idle'],
  droplet_lost: ['warn', 'bad'],
}

export function Steps({ job }: { job: Job }) {
  const query = useQuery(eventList({ job_id: job.id }))
  if (query.error && !query.data) return <ErrorPanel compact error={query.error} onRetry={() => void query.refetch()} />
  if (!query.data) return <Waiting lines={6} />
  const steps = stepsOf(query.data.events)
  const more = query.data.total - query.data.events.length
  return (
    <>
      {more > 0 && (
        <Text c="dimmed" mb={8} size="sm">
          {more} earlier events are not shown here.
        </Text>
      )}
      <ol className={classes.steps}>
        {steps.map((step) => (
          <Line key={step.key} step={step} />
        ))}
        {!ended(job) && (
          <li className={classes.step}>
            <span className={classes.mark} style={{ '--tone': 'var(--cg-busy)' } as React.CSSProperties}>
              <Icon name="busy" size={13} spin />
            </span>
            <span className="cg-dim">{job.status === 'pending' ? 'Waiting for a worker' : 'At work'}</span>
          </li>
        )}
      </ol>
    </>
  )
}

function Line({ step }: { step: Step }) {
  const [icon, tone] = LOOKS[step.type] ?? ['droplets', 'busy']
  return (
    <li className={classes.step}>
      <span className={classes.mark} style={{ '--tone': `var(--cg-${tone})` } as React.CSSProperties}>
        <Icon name={icon} size={13} />
      </span>
      <div className={classes.text}>
        <div className={classes.title}>{step.title}</div>
        {step.parts.length > 1 && (
          <details className={classes.parts}>
            <summary>Each of them</summary>
            {step.parts.map((part) => (
              <div key={part}>{part}</div>
            ))}
          </details>
        )}
      </div>
      <span className={classes.when}>
        <Clock at={step.at} />
        {step.after >= 0.001 && <span className={classes.after}>+{duration(step.after)}</span>}
      </span>
    </li>
  )
}
