/** How ClusterGenie itself is: its worker pool, its bus, and the events that nobody could take. */
import { useQuery } from '@tanstack/react-query'
import { Needs } from '~/auth/Needs'
import { busStatus, workerPool } from '~/observability/api'
import { DeadLetters } from '~/observability/DeadLetters'
import { GrafanaPanels } from '~/observability/GrafanaPanels'
import { Slots } from '~/observability/Slots'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Figure, Figures } from '~/ui/Figures'
import { duration, number } from '~/ui/format'
import { Page } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { SimpleTable } from '~/ui/SimpleTable'
import { Status } from '~/ui/Status'
import { Ago } from '~/ui/Time'
import { Waiting } from '~/ui/Waiting'

export function ObservabilityPage() {
  return (
    <Page request={{ path: '/observability/workerpool' }} sentence="How ClusterGenie itself is." title="Observability">
      <Needs right="viewer">
        <Pool />
        <Bus />
        <DeadLetters />
        <GrafanaPanels />
      </Needs>
    </Page>
  )
}

function Pool() {
  const query = useQuery(workerPool())
  if (query.error && !query.data) return <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />
  if (!query.data) return <Waiting />
  const { queue, worker_count: slots, active_workers: busy, queue_length: held, queue_capacity: capacity } = query.data
  return (
    <Panel flush title="Worker pool">
      <Figures flat>
        <Figure label="Slots busy" more={`of ${number(slots)}`} wide>
          <Slots busy={busy} slots={slots} />
        </Figure>
        <Figure label="Claimed ahead" more={`of ${number(capacity)} places`}>
          {number(held)}
        </Figure>
        <Figure
          label="Ready"
          more={queue.ready > 0 ? `oldest waits ${duration(queue.oldest_ready_seconds)}` : 'nothing waits'}
          search={{ status: 'pending' }}
          to="/jobs"
          tone={queue.oldest_ready_seconds > 30 ? 'warn' : undefined}
        >
          {number(queue.ready)}
        </Figure>
        <Figure label="Running" search={{ status: 'running' }} to="/jobs">
          {number(queue.running)}
        </Figure>
        <Figure label="Scheduled" more="for later">
          {number(queue.scheduled)}
        </Figure>
      </Figures>
      <SimpleTable
        columns={['Worker', 'State', 'Slots', 'Host', 'Started', 'Lease until']}
        label="Workers"
        rows={queue.workers.map((one) => ({
          key: one.id,
          cells: [
            <span className="cg-mono" key="id">
              {one.id}
            </span>,
            <Status key="state" status={one.state} />,
            one.slots,
            `${one.host}, pid ${one.pid}`,
            <Ago at={one.started_at} key="started" />,
            <Ago at={one.lease_until} key="lease" />,
          ],
        }))}
      />
    </Panel>
  )
}

function waited(kafka: { outbox_age_seconds: number; reachable: boolean }) {
  const since = kafka.outbox_age_seconds > 0 ? `, for ${Math.round(kafka.outbox_age_seconds)} s` : ''
  return `${kafka.reachable ? 'the broker answers' : 'no broker answers'}${since}`
}

function Bus() {
  const query = useQuery(busStatus())
  if (query.error && !query.data) return <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />
  if (!query.data) return <Waiting />
  const { log, groups, subscribers, dead_letters: dead, kafka } = query.data
  return (
    <Panel flush title="Event bus">
      <Figures flat>
        <Figure label="Events kept" more={`ids ${number(log.oldest)} to ${number(log.newest)}`}>
          {number(log.size)}
        </Figure>
        <Figure label="Live streams" more="one for each browser">
          {number(subscribers)}
        </Figure>
        <Figure label="Dead letters" tone={dead > 0 ? 'bad' : undefined}>
          {number(dead)}
        </Figure>
        {kafka && (
          <>
            <Figure label="Waiting for Kafka" more={waited(kafka)} tone={kafka.problem ? 'bad' : undefined}>
              {number(kafka.outbox_depth)}
            </Figure>
            <Figure label="Topic lag" more={`${kafka.group} on ${kafka.topic}`}>
              {kafka.lag === null ? 'unknown' : number(kafka.lag)}
            </Figure>
          </>
        )}
      </Figures>
      {kafka?.problem && <div className="cg-any">{kafka.problem}</div>}
      {groups.length === 0 ? (
        <Empty icon="observability" title="No consumer groups">
          Each slice that listens to events shows up here with its place and its lag.
        </Empty>
      ) : (
        <SimpleTable
          columns={['Group', 'State', 'Takes', 'Position', 'Lag', 'Dead letters', 'Moved']}
          label="Consumer groups"
          rows={groups.map((one) => ({
            key: one.group,
            cells: [
              <strong key="name">{one.name}</strong>,
              <Status key="state" status={one.active ? 'alive' : 'idle'} />,
              one.types.map((type) => type.replaceAll('_', ' ')).join(', ') || 'everything',
              number(one.position),
              <span key="lag" style={one.lag > 100 ? { color: 'var(--cg-warn)', fontWeight: 600 } : undefined}>
                {number(one.lag)}
              </span>,
              number(one.dead_letters),
              <Ago at={one.updated_at} key="moved" />,
            ],
          }))}
        />
      )}
    </Panel>
  )
}
