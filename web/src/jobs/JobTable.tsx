/** Jobs as rows: on their own page, and in their cluster. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { ClusterName } from '~/clusters/ClusterName'
import { type Job, type JobFilter, jobList } from '~/jobs/api'
import { JobActs } from '~/jobs/JobActs'
import { JobProgress } from '~/jobs/JobProgress'
import { type Column, DataTable } from '~/ui/DataTable'
import { Empty } from '~/ui/Empty'
import { words } from '~/ui/format'
import { isSettled } from '~/ui/held'
import { Status } from '~/ui/Status'
import type { TableSearch } from '~/ui/search'
import { Ago, Took } from '~/ui/Time'
import { paging, tableState } from '~/ui/tableState'

const keyOf = (job: Job): string => job.id

const COLUMNS: Column<Job>[] = [
  {
    id: 'type',
    header: 'Job',
    sortable: true,
    cell: (job) => (
      <Link
        className="cg-quiet"
        data-row
        params={{ jobId: job.id }}
        style={{ fontWeight: 600 }}
        title={job.id}
        to="/jobs/$jobId"
      >
        {words(job.type.split('.').pop() ?? job.type)}
      </Link>
    ),
  },
  { id: 'status', header: 'Status', sortable: true, cell: (job) => <Status status={job.status} /> },
  { id: 'progress', header: 'Progress', sortable: true, from: 'sm', cell: (job) => <JobProgress job={job} /> },
  {
    id: 'message',
    header: 'Message',
    grow: true,
    from: 'sm',
    cell: (job) => <span title={job.error ?? job.message}>{job.error ?? job.message}</span>,
  },
  {
    id: 'cluster_id',
    header: 'Cluster',
    from: 'md',
    cell: (job) => (job.cluster_id ? <ClusterName id={job.cluster_id} /> : '–'),
  },
  {
    id: 'attempt',
    header: 'Attempt',
    from: 'lg',
    align: 'end',
    cell: (job) => <span className="cg-num">{`${job.attempt} of ${job.max_attempts}`}</span>,
  },
  {
    id: 'took',
    header: 'Took',
    from: 'md',
    align: 'end',
    cell: (job) => <Took from={job.started_at} to={job.completed_at} />,
  },
  { id: 'created_at', header: 'Asked for', sortable: true, align: 'end', cell: (job) => <Ago at={job.created_at} /> },
]

/** In its cluster, a job need not say which. */
const OF_ONE = COLUMNS.filter((column) => column.id !== 'cluster_id')

interface Props {
  id: string
  filter: JobFilter
  search: TableSearch
  write: (change: TableSearch) => void
  tools?: ReactNode
  empty?: ReactNode
}

export function JobTable({ id, filter, search, write, tools, empty }: Props) {
  const wanted = { ...filter, ...paging(search) }
  const query = useQuery(jobList(wanted))
  const navigate = useNavigate()
  const view = JSON.stringify(wanted)
  return (
    <DataTable
      choose={{
        scope: JSON.stringify(filter),
        nameOf: (job) => `${words(job.type)} ${job.id}`,
        acts: (jobs, clear) => <JobActs jobs={jobs} onDone={clear} />,
      }}
      columns={filter.cluster_id ? OF_ONE : COLUMNS}
      empty={
        empty ?? (
          <Empty cli={['job', 'create', 'noop']} icon="jobs" title="No jobs here">
            Work on clusters and droplets shows up here as it is asked for.
          </Empty>
        )
      }
      error={query.error}
      id={id}
      keyOf={keyOf}
      label="Jobs"
      onOpen={(job) => void navigate({ to: '/jobs/$jobId', params: { jobId: job.id } })}
      onRetry={() => void query.refetch()}
      rows={query.data?.jobs}
      settled={isSettled(query)}
      state={tableState({ search, total: query.data?.total, usual: 'created_at', write })}
      tools={tools}
      view={view}
    />
  )
}
