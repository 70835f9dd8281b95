/** The droplets of a cluster by their health, those with something wrong first. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type DropletHealth, healthOf } from '~/monitoring/api'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Panel } from '~/ui/Panel'
import { SimpleTable } from '~/ui/SimpleTable'
import { Status } from '~/ui/Status'
import { Ago } from '~/ui/Time'
import { Waiting } from '~/ui/Waiting'

const SHOWN = 50

export function HealthPanel({ clusterId }: { clusterId: string }) {
  const query = useQuery(healthOf(clusterId))
  const health = query.data
  return (
    <Panel aside={health && <Status status={health.status} />} flush title={health?.summary ?? 'Health'}>
      {query.error && <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />}
      {!health && !query.error && <Waiting />}
      {health?.droplets.length === 0 && <Empty icon="droplets" title="It has no droplets" />}
      {health && health.droplets.length > 0 && (
        <SimpleTable
          columns={['Droplet', 'Health', 'Why', 'Checks', 'Heard']}
          label="Droplets by health"
          rows={health.droplets.slice(0, SHOWN).map((one) => ({ key: one.id, cells: cellsOf(one) }))}
        />
      )}
    </Panel>
  )
}

function cellsOf(one: DropletHealth) {
  const asked = one.checks.filter((check) => check.ok !== null)
  const good = asked.filter((check) => check.ok)
  return [
    <Link className="cg-quiet" data-row key="name" search={{ open: one.id }} style={{ fontWeight: 600 }} to="/droplets">
      {one.name}
    </Link>,
    <Status
      key="status"
      label={one.healthy ? 'healthy' : one.status === 'active' ? 'unhealthy' : one.status}
      status={one.healthy ? 'healthy' : one.status === 'active' ? 'unhealthy' : one.status}
    />,
    <span className="cg-any" key="why" style={{ whiteSpace: 'normal' }}>
      {one.reasons.join('; ') || '–'}
    </span>,
    <span
      className="cg-num"
      key="checks"
      title={one.checks.map((check) => `${check.name}: ${check.detail}`).join('\n')}
    >
      {asked.length === 0 ? '–' : `${good.length} of ${asked.length}`}
    </span>,
    <Ago at={one.last_seen_at} fallback="never" key="heard" />,
  ]
}
