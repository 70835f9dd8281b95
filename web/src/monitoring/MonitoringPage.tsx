/** What agents measure, over time. The range is in the URL: a shared link shows the same chart. */
import { Button, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo } from 'react'
import { NAMED } from '~/clusters/ClusterName'
import { chartsOf } from '~/monitoring/api'
import { Chart } from '~/monitoring/Chart'
import { MarkList } from '~/monitoring/MarkList'
import { markOf, marksOf } from '~/monitoring/marks'
import { RangePicker } from '~/monitoring/RangePicker'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Choice } from '~/ui/Filters'
import { bytes, percent } from '~/ui/format'
import { GrafanaLink } from '~/ui/GrafanaLink'
import { Icon } from '~/ui/Icon'
import { Page } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { windowOf } from '~/ui/range'
import { command } from '~/ui/request'
import classes from './MonitoringPage.module.css'

const route = getRouteApi('/monitoring')

const CHARTS = [
  { title: 'CPU', types: [['cpu', 'CPU', '--cg-line-1']], format: percent },
  { title: 'Memory', types: [['memory', 'Memory', '--cg-line-2']], format: percent },
  { title: 'Disk', types: [['disk', 'Disk', '--cg-line-3']], format: percent },
  {
    title: 'Network',
    types: [
      ['network_in', 'In', '--cg-line-1'],
      ['network_out', 'Out', '--cg-line-4'],
    ],
    format: (value: number) => `${bytes(value)}/s`,
  },
] as const

export function MonitoringPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const write = (change: Partial<typeof search>) => void navigate({ search: (old) => ({ ...old, ...change }) })
  const { clusters, cluster, whose, flag, name } = useSubject(search)
  const range = { range: search.range, from: search.from, to: search.to }
  const window = windowOf(range)
  const measured = useQuery({ ...chartsOf(whose, range, !search.paused), enabled: Boolean(name) })
  const happened = useQuery({ ...marksOf(whose, range), enabled: Boolean(name) })
  const marks = useMemo(() => (happened.data ?? []).map(markOf), [happened.data])

  return (
    <Page
      actions={
        <>
          <RangePicker onChange={write} paused={search.paused === true} value={range} />
          <GrafanaLink cluster_id={whose.cluster_id} from={window.from} to={window.live ? undefined : window.to} />
        </>
      }
      request={{
        path: '/metrics',
        query: { ...whose, type: 'cpu', step: 60 },
        cli: command(['metrics', 'get'], { ...flag, type: 'cpu', step: 60 }),
      }}
      sentence="Averages, with the lowest and highest of each step as a band."
      title="Monitoring"
    >
      <Group gap={8}>
        <Choice
          label="Cluster"
          onChange={(value) => write({ cluster: value, droplet: undefined })}
          options={clusters.data?.clusters.map((one) => ({ value: one.id, label: one.name })) ?? []}
          value={cluster}
          width={220}
        />
        {search.droplet && (
          <Button
            onClick={() => write({ droplet: undefined })}
            rightSection={<Icon name="bad" size={12} />}
            size="xs"
            variant="light"
          >
            droplet {search.droplet}
          </Button>
        )}
      </Group>
      {clusters.error && <ErrorPanel error={clusters.error} onRetry={() => void clusters.refetch()} />}
      {measured.error && <ErrorPanel error={measured.error} onRetry={() => void measured.refetch()} />}
      {clusters.data && !name && <Nothing />}
      {name && (
        <div className={classes.charts}>
          {CHARTS.map((chart) => (
            <Panel key={chart.title}>
              <Chart
                charts={measured.data}
                format={chart.format}
                lines={chart.types}
                marks={marks}
                onZoom={(from, to) =>
                  write({ range: undefined, from: new Date(from).toISOString(), to: new Date(to).toISOString() })
                }
                subject={name}
                title={chart.title}
              />
            </Panel>
          ))}
        </div>
      )}
      {name && <MarkList error={happened.error} events={happened.data} onRetry={() => void happened.refetch()} />}
    </Page>
  )
}

/** Whose measurements are shown: those of the droplet or cluster in the URL, else of the first cluster that has any. */
function useSubject({ cluster: wanted, droplet }: { cluster?: string; droplet?: string }) {
  const clusters = useQuery(NAMED)
  const known = clusters.data?.clusters ?? []
  const first = known.find((one) => one.active > 0) ?? known[0]
  const cluster = wanted ?? first?.id
  if (droplet) return { clusters, cluster, whose: { droplet_id: droplet }, flag: { droplet }, name: droplet }
  const name = known.find((one) => one.id === cluster)?.name ?? cluster
  return { clusters, cluster, whose: { cluster_id: cluster }, flag: { cluster: cluster ?? 'CLUSTER' }, name }
}

function Nothing() {
  return (
    <Panel>
      <Empty cli={['cluster', 'create', 'web', '--wanted-size', '3']} icon="monitoring" title="Nothing is measured yet">
        Each droplet’s agent reports every few seconds, from the moment it is active.
      </Empty>
    </Panel>
  )
}
