/** All jobs, by how they are. */
import { Button, SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { jobCounts, STATUSES, TYPES } from '~/jobs/api'
import { JobTable } from '~/jobs/JobTable'
import { Empty } from '~/ui/Empty'
import { Choice } from '~/ui/Filters'
import { counted, words } from '~/ui/format'
import { Icon } from '~/ui/Icon'
import { Page } from '~/ui/Page'
import { command, pythonList, sortFlag } from '~/ui/request'
import { paging } from '~/ui/tableState'
import { OfferedView, ViewsMenu } from '~/ui/ViewsMenu'

const route = getRouteApi('/jobs')

export function JobsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const write = (change: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true })
  const narrow = (change: Partial<typeof search>) => write({ ...change, page: undefined })
  const filter = { status: search.status, type: search.type, cluster_id: search.cluster, trace_id: search.trace }
  const filtered = Object.values(filter).some(Boolean)
  const counts = useQuery(jobCounts(filter)).data

  return (
    <Page
      actions={<ViewsMenu page="/jobs" search={search} />}
      request={{
        path: '/jobs',
        query: { ...filter, ...paging(search) },
        cli: command(['job', 'list'], {
          cluster: search.cluster,
          type: search.type,
          status: search.status,
          'trace-id': search.trace,
          sort: sortFlag(search),
        }),
        python: pythonList('jobs', filter),
      }}
      sentence="Durable work: each job survives a crash of the server and is tried again."
      title="Jobs"
    >
      <OfferedView page="/jobs" search={search} />
      <SegmentedControl
        aria-label="Status"
        data={[
          { value: '', label: counted('All', counts?.total) },
          ...STATUSES.map((status) => ({ value: status, label: counted(words(status), counts?.counts[status]) })),
        ]}
        onChange={(status) => narrow({ status: (status || undefined) as typeof search.status })}
        style={{ alignSelf: 'flex-start', maxWidth: '100%', overflowX: 'auto' }}
        value={search.status ?? ''}
      />
      <JobTable
        empty={
          filtered ? (
            <Empty
              action={
                <Button
                  onClick={() => narrow({ status: undefined, type: undefined, cluster: undefined, trace: undefined })}
                  variant="default"
                >
                  Clear the filters
                </Button>
              }
              icon={search.status === 'failed' ? 'ok' : 'search'}
              title={search.status === 'failed' ? 'No job has failed' : 'No job matches these filters'}
            />
          ) : undefined
        }
        filter={filter}
        id="jobs"
        search={search}
        tools={
          <>
            <Choice label="Any type" onChange={(type) => narrow({ type })} options={TYPES} value={search.type} />
            {(['cluster', 'trace'] as const).map(
              (name) =>
                search[name] && (
                  <Button
                    key={name}
                    onClick={() => narrow({ [name]: undefined })}
                    rightSection={<Icon name="bad" size={12} />}
                    size="xs"
                    variant="light"
                  >
                    {name} {search[name]}
                  </Button>
                ),
            )}
          </>
        }
        write={write}
      />
    </Page>
  )
}
