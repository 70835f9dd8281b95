/** All clusters: how each is, in a sentence. */

import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { ActButton } from '~/auth/ActButton'
import { type Cluster, clusterCounts, clusterList, STATUSES } from '~/clusters/api'
import { SizeBar } from '~/clusters/SizeBar'
import { type Column, DataTable } from '~/ui/DataTable'
import { Empty } from '~/ui/Empty'
import { Choice, SearchBox } from '~/ui/Filters'
import { counted, plural } from '~/ui/format'
import { isSettled } from '~/ui/held'
import { Icon } from '~/ui/Icon'
import { Page } from '~/ui/Page'
import { command, pythonList, sortFlag } from '~/ui/request'
import { Status } from '~/ui/Status'
import { Ago } from '~/ui/Time'
import { paging, tableState } from '~/ui/tableState'
import { OfferedView, ViewsMenu } from '~/ui/ViewsMenu'

const CreateCluster = lazy(() => import('~/clusters/CreateCluster'))
const route = getRouteApi('/clusters')
const keyOf = (cluster: Cluster): string => cluster.id

export const COLUMNS: Column<Cluster>[] = [
  {
    id: 'name',
    header: 'Name',
    sortable: true,
    cell: (one) => (
      <Link
        className="cg-quiet"
        data-row
        params={{ clusterId: one.id }}
        style={{ fontWeight: 600 }}
        title={one.id}
        to="/clusters/$clusterId"
      >
        {one.name}
      </Link>
    ),
  },
  { id: 'status', header: 'Status', sortable: true, cell: (one) => <Status status={one.status} /> },
  {
    id: 'health',
    header: 'Health',
    grow: true,
    from: 'sm',
    cell: (one) => <span title={one.health}>{one.health}</span>,
  },
  {
    id: 'wanted_size',
    header: 'Droplets',
    sortable: true,
    cell: (one) => <SizeBar active={one.active} wanted={one.wanted_size} />,
  },
  {
    id: 'provider',
    header: 'Provider',
    from: 'lg',
    cell: (one) => one.provider ?? <span className="cg-dim">default</span>,
  },
  {
    id: 'region',
    header: 'Region',
    sortable: true,
    from: 'md',
    cell: (one) => one.region ?? <span className="cg-dim">any</span>,
  },
  {
    id: 'updated_at',
    header: 'Changed',
    sortable: true,
    from: 'md',
    align: 'end',
    cell: (one) => <Ago at={one.updated_at} />,
  },
]

export function ClustersPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const chosen = { q: search.q, status: search.status, region: search.region }
  const filter = { ...paging(search), ...chosen }
  const query = useQuery(clusterList(filter))
  const [choosing, setChoosing] = useState(false)
  const counts = useQuery({ ...clusterCounts(chosen), enabled: choosing }).data?.counts
  const write = (change: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true })
  const state = tableState({ search, total: query.data?.total, usual: 'created_at', write })
  const filtered = Boolean(search.q || search.status || search.region)
  const view = JSON.stringify(filter)
  const create = () => write({ create: true })

  return (
    <Page
      actions={
        <>
          <ViewsMenu page="/clusters" search={search} />
          <ActButton needs="operator" leftSection={<Icon name="plus" />} onClick={create}>
            Create cluster
          </ActButton>
        </>
      }
      request={{
        path: '/clusters',
        query: filter,
        cli: command(['cluster', 'list'], { ...chosen, sort: sortFlag(search) }),
        python: pythonList('clusters', chosen),
      }}
      sentence={query.data && plural(query.data.total, 'cluster')}
      title="Clusters"
    >
      <OfferedView page="/clusters" search={search} />
      <DataTable
        columns={COLUMNS}
        empty={
          filtered ? (
            <NoMatch onClear={() => write({ q: undefined, status: undefined, region: undefined })} />
          ) : (
            <NoClusters onCreate={create} />
          )
        }
        error={query.error}
        id="clusters"
        keyOf={keyOf}
        label="Clusters"
        onOpen={(one) => void navigate({ to: '/clusters/$clusterId', params: { clusterId: one.id } })}
        onRetry={() => void query.refetch()}
        rows={query.data?.clusters}
        settled={isSettled(query)}
        state={state}
        tools={
          <>
            <SearchBox label="Search names" onChange={(q) => write({ q, page: undefined })} value={search.q} />
            <Choice
              label="Any status"
              onFocus={() => setChoosing(true)}
              onChange={(status) => write({ status: status as typeof search.status, page: undefined })}
              options={STATUSES.map((status) => ({ value: status, label: counted(status, counts?.[status]) }))}
              value={search.status}
            />
          </>
        }
        view={view}
      />
      <Suspense>{search.create && <CreateCluster onClose={() => write({ create: undefined })} />}</Suspense>
    </Page>
  )
}

function NoClusters({ onCreate }: { onCreate: () => void }) {
  return (
    <Empty
      action={<Button onClick={onCreate}>Create cluster</Button>}
      cli={['cluster', 'create', 'web', '--wanted-size', '3']}
      icon="clusters"
      title="No clusters yet"
    >
      A cluster is a named set of droplets with a wanted size. ClusterGenie keeps it at that size.
    </Empty>
  )
}

export function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty
      action={
        <Button onClick={onClear} variant="default">
          Clear the filters
        </Button>
      }
      icon="search"
      title="Nothing matches these filters"
    />
  )
}
