/** What happened, newest first, as it happens; can be paused, and what comes meanwhile waits. */
import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type EventFilter, type EventRecord, eventList } from '~/events/api'
import { useRecent } from '~/events/recent'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { number, plural } from '~/ui/format'
import { Icon } from '~/ui/Icon'
import { toneOf } from '~/ui/Status'
import { Clock } from '~/ui/Time'
import { VirtualRows } from '~/ui/VirtualRows'
import { Waiting } from '~/ui/Waiting'
import classes from './EventList.module.css'

interface Props {
  filter: EventFilter
  size?: number
  /** As tall as the window allows, with a button to pause. */
  tall?: boolean
  /** Without a frame, inside a panel that has one. */
  flat?: boolean
}

const ROW = 38
const keyOf = (event: EventRecord): number => event.id

export function EventList({ filter, size = 100, tall = false, flat = false }: Props) {
  const query = useQuery(eventList(filter, size))
  const { events, waiting, paused, pause, resume } = useRecent(filter, query.data?.events)
  if (query.error && !query.data) return <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />
  if (!query.data) return <Waiting lines={6} />
  return (
    <section aria-label="Events" className={classes.list} data-flat={flat || undefined}>
      <div className={classes.head}>
        <span className="cg-dim">
          {number(events.length)} newest of {number(Math.max(query.data.total, events.length))}
        </span>
        <span className={classes.tools}>
          {paused && waiting > 0 && <span aria-live="polite">{plural(waiting, 'new event')}</span>}
          <Button
            leftSection={<Icon name={paused ? 'play' : 'pause'} />}
            onClick={paused ? resume : pause}
            size="compact-sm"
            variant={paused ? 'filled' : 'default'}
          >
            {paused ? 'Go on' : 'Pause'}
          </Button>
        </span>
      </div>
      {events.length === 0 ? (
        <Empty cli={['events', 'tail']} icon="events" title="Nothing has happened yet">
          Events show up here the moment they are committed.
        </Empty>
      ) : (
        <VirtualRows
          height={tall ? 'max(300px, calc(100dvh - 260px))' : `${Math.min(events.length, 12) * ROW}px`}
          keyOf={keyOf}
          label="Newest events"
          render={(event) => <Row event={event} />}
          rowHeight={ROW}
          rows={events}
        />
      )}
    </section>
  )
}

function toneOfEvent(type: string): string {
  if (/failed|lost|exceeded/.test(type)) return toneOf('failed')
  if (/completed|active/.test(type)) return toneOf('completed')
  if (/deleted|cancelled/.test(type)) return toneOf('cancelled')
  return toneOf('running')
}

function Row({ event }: { event: EventRecord }) {
  return (
    <div className={classes.row} data-event={event.id}>
      <Clock at={event.timestamp} />
      <span className={classes.type} style={{ '--tone': toneOfEvent(event.type) } as React.CSSProperties}>
        {event.type.replaceAll('_', ' ')}
      </span>
      <span className={classes.message} title={event.message}>
        {event.message}
        {event.progress !== null && event.type === 'job_progress' ? ` (${event.progress} %)` : ''}
      </span>
      <Subject event={event} />
    </div>
  )
}

function Subject({ event }: { event: EventRecord }) {
  if (event.type.startsWith('droplet_') && event.droplet_id) {
    return (
      <Link className="cg-link" search={{ open: event.droplet_id }} to="/droplets">
        droplet
      </Link>
    )
  }
  if (event.type.startsWith('job_') && event.job_id) {
    return (
      <Link className="cg-link" params={{ jobId: event.job_id }} to="/jobs/$jobId">
        {event.job_type?.split('.').pop() ?? ''} job
      </Link>
    )
  }
  if (event.cluster_id) {
    return (
      <Link className="cg-link" params={{ clusterId: event.cluster_id }} to="/clusters/$clusterId">
        cluster
      </Link>
    )
  }
  return <span />
}
