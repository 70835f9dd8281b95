/** How a cluster is, droplet by droplet, and what is wrong with it: evidence, cause, remedy. */

import { Group } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ActButton } from '~/auth/ActButton'
import { NAMED } from '~/clusters/ClusterName'
import { diagnose, diagnosisList, diagnosisOne } from '~/diagnosis/api'
import { Findings } from '~/diagnosis/Findings'
import { HealthPanel } from '~/diagnosis/HealthPanel'
import { Past } from '~/diagnosis/Past'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Choice } from '~/ui/Filters'
import { Icon } from '~/ui/Icon'
import { Columns, Page } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { Ago } from '~/ui/Time'
import { Waiting } from '~/ui/Waiting'

const route = getRouteApi('/diagnosis')

export function DiagnosisPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const clusters = useQuery(NAMED)
  const known = clusters.data?.clusters ?? []
  const worst = known.find((one) => one.status === 'degraded') ?? known.find((one) => one.active > 0) ?? known[0]
  const cluster = search.cluster ?? worst?.id ?? ''
  const past = useQuery(diagnosisList(cluster))
  const shown = search.id ?? past.data?.diagnoses[0]?.id ?? ''
  const run = useMutation({
    mutationFn: () => diagnose(cluster),
    onSuccess: async (found) => {
      await client.invalidateQueries({ queryKey: ['diagnosis', cluster] })
      void navigate({ search: { cluster, id: found.id } })
    },
  })

  return (
    <Page
      actions={
        <ActButton
          cluster={cluster}
          disabled={!cluster}
          leftSection={<Icon name="diagnosis" />}
          loading={run.isPending}
          onClick={() => run.mutate()}
        >
          Diagnose now
        </ActButton>
      }
      request={{
        method: 'POST',
        path: '/diagnosis/diagnose',
        body: { cluster_id: cluster },
        cli: ['diagnose', cluster || 'CLUSTER'],
        python: `client.clusters.diagnose("${cluster}")`,
      }}
      sentence="Probes every droplet now and compares what it finds with what is known."
      title="Health & diagnosis"
    >
      <Group gap={8}>
        <Choice
          label="Cluster"
          onChange={(value) => void navigate({ search: { cluster: value } })}
          options={known.map((each) => ({ value: each.id, label: each.name }))}
          value={cluster || undefined}
          width={240}
        />
      </Group>
      {clusters.error && <ErrorPanel error={clusters.error} onRetry={() => void clusters.refetch()} />}
      {run.error && <ErrorPanel error={run.error} onRetry={() => run.mutate()} />}
      {clusters.data && !cluster && (
        <Panel>
          <Empty
            cli={['cluster', 'create', 'web', '--wanted-size', '3']}
            icon="diagnosis"
            title="There is no cluster to look at"
          />
        </Panel>
      )}
      {cluster && (
        <>
          <Latest
            cluster={cluster}
            id={shown}
            none={past.data !== undefined && !shown}
            run={() => run.mutate()}
            running={run.isPending}
          />
          <Columns least={420}>
            <HealthPanel clusterId={cluster} />
            <Past
              onOpen={(id) => void navigate({ search: { cluster, id } })}
              past={past.data?.diagnoses}
              shown={shown}
            />
          </Columns>
        </>
      )}
    </Page>
  )
}

interface LatestProps {
  cluster: string
  id: string
  none: boolean
  run: () => void
  running: boolean
}

function Latest({ cluster, id, none, run, running }: LatestProps) {
  const query = useQuery(diagnosisOne(id))
  const diagnosis = id ? query.data?.diagnosis : undefined
  return (
    <Panel aside={diagnosis && <Ago at={diagnosis.created_at} />} title={diagnosis?.summary ?? 'Diagnosis'}>
      {query.error && <ErrorPanel compact error={query.error} onRetry={() => void query.refetch()} />}
      {none && (
        <Empty
          action={
            <ActButton cluster={cluster} loading={running} onClick={run}>
              Diagnose now
            </ActButton>
          }
          cli={['diagnose', cluster]}
          icon="diagnosis"
          title="Not diagnosed yet"
        >
          A diagnosis probes every droplet and says what is wrong, with the evidence, the cause and what to do.
        </Empty>
      )}
      {id && !diagnosis && !query.error && <Waiting />}
      {diagnosis && <Findings clusterId={cluster} findings={diagnosis.findings} />}
    </Panel>
  )
}
