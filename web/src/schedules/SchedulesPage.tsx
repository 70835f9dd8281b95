/** All schedules: what runs when, what came of it last, and how to change it. */

import { Button, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { ActButton } from '~/auth/ActButton'
import { type Schedule, scheduleList } from '~/schedules/api'
import { type Act, ScheduleActs } from '~/schedules/ScheduleActs'
import { type Column, DataTable } from '~/ui/DataTable'
import { Empty } from '~/ui/Empty'
import { words } from '~/ui/format'
import { isSettled } from '~/ui/held'
import { Icon } from '~/ui/Icon'
import { Page } from '~/ui/Page'
import { command, sortFlag } from '~/ui/request'
import { Status } from '~/ui/Status'
import { Ago } from '~/ui/Time'
import { paging, tableState } from '~/ui/tableState'

const ScheduleForm = lazy(() => import('~/schedules/ScheduleForm'))
const route = getRouteApi('/schedules')
const keyOf = (schedule: Schedule): string => schedule.id
const CLI = ['schedule', 'create', 'nightly', '--cron', '0 3 * * *', '--type', 'diagnose', '--cluster', 'web']

export function SchedulesPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const write = (change: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true })
  const filter = { sort_by: 'name', sort_dir: 'asc' as const, ...paging(search) }
  const query = useQuery(scheduleList(filter))
  const [act, setAct] = useState<Act | null>(null)
  const create = () => write({ create: true })
  const edited = query.data?.schedules.find((one) => one.id === search.edit)

  return (
    <Page
      actions={
        <ActButton anywhere leftSection={<Icon name="plus" />} onClick={create}>
          Create schedule
        </ActButton>
      }
      request={{
        path: '/schedules',
        query: filter,
        cli: command(['schedule', 'list'], { sort: sortFlag(search) }),
        python: 'list(client.schedules.list())',
      }}
      sentence="Jobs by the clock. Each slot runs once, whoever leads."
      title="Schedules"
    >
      <DataTable
        columns={columnsOf(setAct, (one) => write({ edit: one.id }))}
        empty={
          <Empty
            action={<Button onClick={create}>Create schedule</Button>}
            cli={CLI}
            icon="wait"
            title="No schedules yet"
          >
            A schedule queues a job at each moment that its cron expression names, in the time zone you choose.
          </Empty>
        }
        error={query.error}
        id="schedules"
        keyOf={keyOf}
        label="Schedules"
        onOpen={(one) => write({ edit: one.id })}
        onRetry={() => void query.refetch()}
        rows={query.data?.schedules}
        settled={isSettled(query)}
        state={tableState({ search, total: query.data?.total, usual: 'name', usualDir: 'asc', write })}
        view={JSON.stringify(filter)}
      />
      <ScheduleActs act={act} onClose={() => setAct(null)} />
      <Suspense>
        {search.create && <ScheduleForm onClose={() => write({ create: undefined })} />}
        {edited && <ScheduleForm key={edited.id} onClose={() => write({ edit: undefined })} schedule={edited} />}
      </Suspense>
    </Page>
  )
}

function columnsOf(act: (act: Act) => void, edit: (schedule: Schedule) => void): Column<Schedule>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      sortable: true,
      cell: (one) => (
        <Link
          className="cg-quiet"
          data-row
          search={(old) => ({ ...old, edit: one.id })}
          style={{ fontWeight: 600 }}
          title={one.id}
          to="/schedules"
        >
          {one.name}
        </Link>
      ),
    },
    {
      id: 'paused',
      header: 'State',
      cell: (one) => <Status status={one.paused ? 'paused' : 'active'} />,
    },
    { id: 'type', header: 'Job', from: 'sm', cell: (one) => words(one.type) },
    {
      id: 'cron',
      header: 'When',
      from: 'sm',
      cell: (one) => (
        <span>
          <code className="cg-mono">{one.cron}</code> <span className="cg-dim">{one.time_zone}</span>
        </span>
      ),
    },
    {
      id: 'next_run_at',
      header: 'Next',
      sortable: true,
      cell: (one) => (one.paused ? <span className="cg-dim">–</span> : <Ago at={one.next_run_at} fallback="never" />),
    },
    {
      id: 'last_run_at',
      header: 'Last',
      sortable: true,
      from: 'md',
      grow: true,
      cell: (one) => <Last schedule={one} />,
    },
    {
      id: 'acts',
      header: 'Do',
      align: 'end',
      cell: (one) => (
        <Group gap={6} justify="flex-end" wrap="nowrap">
          <ActButton
            cluster={clusterOf(one)}
            onClick={() => act({ kind: 'run', schedule: one })}
            size="compact-xs"
            variant="default"
          >
            Run now
          </ActButton>
          <ActButton
            cluster={clusterOf(one)}
            onClick={() => act({ kind: 'pause', schedule: one })}
            size="compact-xs"
            variant="default"
          >
            {one.paused ? 'Resume' : 'Pause'}
          </ActButton>
          <ActButton cluster={clusterOf(one)} onClick={() => edit(one)} size="compact-xs" variant="default">
            Edit
          </ActButton>
          <ActButton
            cluster={clusterOf(one)}
            color="red"
            onClick={() => act({ kind: 'delete', schedule: one })}
            size="compact-xs"
            variant="light"
          >
            Delete
          </ActButton>
        </Group>
      ),
    },
  ]
}

const clusterOf = (one: Schedule): string | null => (one.parameters.cluster_id as string | undefined) ?? null

function Last({ schedule }: { schedule: Schedule }) {
  if (schedule.last_error) return <span title={schedule.last_error}>refused: {schedule.last_error}</span>
  if (!schedule.last_job_id) return <span className="cg-dim">not yet</span>
  return (
    <Link className="cg-quiet" params={{ jobId: schedule.last_job_id }} to="/jobs/$jobId">
      <Ago at={schedule.last_run_at} />
    </Link>
  )
}
