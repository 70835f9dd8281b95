/** The first page: what needs attention, then how much there is, then what has just happened. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { ActButton } from '~/auth/ActButton'
import { clusterList } from '~/clusters/api'
import { SizeBar } from '~/clusters/SizeBar'
import { dropletList } from '~/droplets/api'
import { DropletMap } from '~/droplets/DropletMap'
import { EventList } from '~/events/EventList'
import { jobList } from '~/jobs/api'
import { Attention } from '~/overview/Attention'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Figure, Figures } from '~/ui/Figures'
import { number } from '~/ui/format'
import { Icon } from '~/ui/Icon'
import { Columns, Page } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { Status } from '~/ui/Status'
import { Waiting } from '~/ui/Waiting'
import classes from './OverviewPage.module.css'

const SHOWN = 100
export const CLUSTERS = clusterList({ page_size: SHOWN, sort_by: 'updated_at', sort_dir: 'desc' })
/** The last failures, and with the same answer how many jobs there are of each status. */
export const FAILED = jobList({ status: 'failed', page_size: 10, counts: true })
/** By status backwards: provisioning, pending, lost, failed … come before active. */
export const DROPLETS = dropletList({ page_size: SHOWN, sort_by: 'status', sort_dir: 'desc' })

export function OverviewPage() {
  const navigate = useNavigate()
  return (
    <Page
      actions={
        <ActButton
          leftSection={<Icon name="plus" />}
          onClick={() => void navigate({ to: '/clusters', search: { create: true } })}
        >
          Create cluster
        </ActButton>
      }
      request={{ path: '/clusters', cli: ['cluster', 'list'], python: 'list(client.clusters.list())' }}
      title="Overview"
    >
      <Attention />
      <Totals />
      <Columns least={420}>
        <Clusters />
        <Panel
          aside={
            <Link className="cg-link" to="/events">
              All events
            </Link>
          }
          flush
          title="Just now"
        >
          <EventList filter={{}} flat size={30} />
        </Panel>
      </Columns>
    </Page>
  )
}

function Totals() {
  const clusters = useQuery(CLUSTERS)
  const droplets = useQuery(DROPLETS)
  const counts = useQuery(FAILED).data?.counts
  const known = clusters.data?.clusters ?? []
  const wanted = known.reduce((sum, one) => sum + one.wanted_size, 0)
  const healthy = known.filter((one) => one.status === 'healthy' || one.status === 'empty').length
  return (
    <Figures>
      <Figure label="Clusters" more={clusters.data && `${number(healthy)} as wanted`} to="/clusters">
        {clusters.data ? number(clusters.data.total) : '–'}
      </Figure>
      <Figure label="Droplets" more={clusters.data && `${number(wanted)} wanted by clusters`} to="/droplets">
        {droplets.data ? number(droplets.data.total) : '–'}
      </Figure>
      <Figure
        label="Jobs running"
        more={counts && `${number(counts.pending ?? 0)} waiting`}
        search={{ status: 'running' }}
        to="/jobs"
      >
        {counts ? number(counts.running ?? 0) : '–'}
      </Figure>
      {droplets.data && droplets.data.droplets.length > 0 && (
        <Figure label={droplets.data.total > SHOWN ? `${SHOWN} of them, the unusual first` : 'Each of them'} wide>
          <DropletMap droplets={droplets.data.droplets} />
        </Figure>
      )}
    </Figures>
  )
}

function Clusters() {
  const query = useQuery(CLUSTERS)
  const rows = query.data?.clusters
  return (
    <Panel
      aside={
        <Link className="cg-link" to="/clusters">
          All clusters
        </Link>
      }
      flush
      title="Clusters"
    >
      {query.error && <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />}
      {!rows && !query.error && <Waiting lines={6} />}
      {rows?.length === 0 && (
        <Empty cli={['cluster', 'create', 'web', '--wanted-size', '3']} icon="clusters" title="No clusters yet" />
      )}
      <ul className={classes.clusters}>
        {rows?.slice(0, 10).map((one) => (
          <li key={one.id}>
            <Link className={classes.cluster} data-row params={{ clusterId: one.id }} to="/clusters/$clusterId">
              <span className={classes.name}>{one.name}</span>
              <span className={classes.health}>{one.health}</span>
              <SizeBar active={one.active} wanted={one.wanted_size} />
              <Status status={one.status} />
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
