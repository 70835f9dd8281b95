/** The marks on the charts in words, with the way to what they are about. */
import { Link } from '@tanstack/react-router'
import type { EventRecord } from '~/events/api'
import { toneOf } from '~/monitoring/marks'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { plural, words } from '~/ui/format'
import { Panel } from '~/ui/Panel'
import { Clock } from '~/ui/Time'
import classes from './MonitoringPage.module.css'

interface Props {
  events: EventRecord[] | undefined
  error: unknown
  onRetry: () => void
}

const SHOWN = 12

export function MarkList({ events, error, onRetry }: Props) {
  if (error) return <ErrorPanel compact error={error} onRetry={onRetry} />
  if (!events || events.length === 0) return null
  return (
    <Panel title={`${plural(events.length, 'mark')} on these charts`}>
      <ul className={classes.marks}>
        {events.slice(0, SHOWN).map((event) => (
          <li key={event.id} style={{ '--tone': `var(--cg-${toneOf(event)})` } as React.CSSProperties}>
            <Clock at={event.timestamp} />
            {event.job_id ? (
              <Link className="cg-quiet cg-any" params={{ jobId: event.job_id }} to="/jobs/$jobId">
                {event.job_type && `${words(event.job_type)}: `}
                {event.message}
              </Link>
            ) : (
              <span className="cg-any">{event.message}</span>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  )
}
