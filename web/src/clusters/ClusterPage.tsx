/** One cluster: how it is, what it has, what was done to it, and how to change it. */

import { Button, Group, Menu, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { ActButton } from '~/auth/ActButton'
import { useRefusal } from '~/auth/useMay'
import { type Cluster, clusterOne } from '~/clusters/api'
import { ClusterSummary } from '~/clusters/ClusterSummary'
import { TABS } from '~/clusters/routes'
import { STATUSES as DROPLET_STATUSES } from '~/droplets/api'
import { DropletTable } from '~/droplets/DropletTable'
import { EventList } from '~/events/EventList'
import { STATUSES as JOB_STATUSES } from '~/jobs/api'
import { JobTable } from '~/jobs/JobTable'
import { ButtonLink } from '~/ui/ButtonLink'
import { DropMenu } from '~/ui/DropMenu'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Choice, SearchBox } from '~/ui/Filters'
import { words } from '~/ui/format'
import { Icon } from '~/ui/Icon'
import { Page } from '~/ui/Page'
import { Boundary } from '~/ui/Panel'
import { Status } from '~/ui/Status'
import { Waiting } from '~/ui/Waiting'

const ClusterActs = lazy(() => import('~/clusters/ClusterActs'))
const ClusterSettings = lazy(() => import('~/clusters/ClusterSettings'))
const route = getRouteApi('/clusters/$clusterId')
const BACK = { to: '/clusters', label: 'Clusters' }

export function ClusterPage() {
  const { clusterId } = route.useParams()
  const query = useQuery(clusterOne(clusterId))
  const request = {
    path: `/clusters/${clusterId}`,
    cli: ['cluster', 'get', clusterId],
    python: `client.clusters.get("${clusterId}")`,
  }
  const cluster = query.data?.cluster
  if (!cluster) {
    return (
      <Page back={BACK} request={request} title={clusterId}>
        {query.error ? <ErrorPanel error={query.error} onRetry={() => void query.refetch()} /> : <Waiting lines={8} />}
      </Page>
    )
  }
  return <Loaded cluster={cluster} request={request} />
}

function Loaded({ cluster, request }: { cluster: Cluster; request: { path: string; cli: string[]; python: string } }) {
  const { tab = 'droplets', act, q, status, page, sort, dir } = route.useSearch()
  const navigate = route.useNavigate()
  const write = (change: Partial<ReturnType<typeof route.useSearch>>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true })
  const leaving = cluster.status === 'deleting'
  const why = useRefusal('operator', cluster.id)

  return (
    <Page
      actions={
        <>
          <ActButton cluster={cluster.id} disabled={leaving} onClick={() => write({ act: 'scale' })}>
            Scale
          </ActButton>
          <ButtonLink search={{ cluster: cluster.id }} to="/diagnosis" variant="default">
            Diagnose
          </ButtonLink>
          <DropMenu>
            <Menu.Target>
              <Button aria-label="More actions" px={10} variant="default">
                <Icon name="more" />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item
                disabled={leaving || why !== ''}
                title={why || undefined}
                leftSection={<Icon name="plus" />}
                onClick={() => write({ act: 'provision' })}
              >
                Add droplets
              </Menu.Item>
              <Menu.Item
                color="red"
                disabled={leaving || why !== ''}
                title={why || undefined}
                leftSection={<Icon name="trash" />}
                onClick={() => write({ act: 'delete' })}
              >
                Delete cluster
              </Menu.Item>
            </Menu.Dropdown>
          </DropMenu>
        </>
      }
      back={BACK}
      heading={
        <Group component="span" gap={12}>
          {cluster.name} <Status status={cluster.status} />
        </Group>
      }
      request={request}
      sentence={cluster.health}
      title={cluster.name}
    >
      <ClusterSummary cluster={cluster} />
      <Tabs
        keepMounted={false}
        onChange={(next) =>
          write({
            tab: next as typeof tab,
            page: undefined,
            sort: undefined,
            dir: undefined,
            q: undefined,
            status: undefined,
          })
        }
        value={tab}
      >
        <Tabs.List mb="md">
          {TABS.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {words(one)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Boundary key={tab}>
          <Tabs.Panel value="droplets">
            <DropletTable
              filter={{ cluster_id: cluster.id, q, status }}
              id="cluster-droplets"
              search={{ page, sort, dir }}
              tools={
                <>
                  <SearchBox
                    label="Search names"
                    onChange={(value) => write({ q: value, page: undefined })}
                    value={q}
                  />
                  <Choice
                    label="Any status"
                    onChange={(value) => write({ status: value, page: undefined })}
                    options={DROPLET_STATUSES}
                    value={status}
                  />
                </>
              }
              write={write}
            />
          </Tabs.Panel>
          <Tabs.Panel value="jobs">
            <JobTable
              filter={{ cluster_id: cluster.id, status }}
              id="cluster-jobs"
              search={{ page, sort, dir }}
              tools={
                <Choice
                  label="Any status"
                  onChange={(value) => write({ status: value, page: undefined })}
                  options={JOB_STATUSES}
                  value={status}
                />
              }
              write={write}
            />
          </Tabs.Panel>
          <Tabs.Panel value="events">
            <EventList filter={{ cluster_id: cluster.id }} />
          </Tabs.Panel>
          <Tabs.Panel value="settings">
            <Suspense fallback={<Waiting />}>
              <ClusterSettings cluster={cluster} />
            </Suspense>
          </Tabs.Panel>
        </Boundary>
      </Tabs>
      <Suspense>
        {act && <ClusterActs act={act} cluster={cluster} onClose={() => write({ act: undefined })} />}
      </Suspense>
    </Page>
  )
}
