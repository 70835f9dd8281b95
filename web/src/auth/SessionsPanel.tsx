/** Browsers that are signed in, and the way to sign one out. */
import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { endSession, type Session, sessionList } from '~/auth/api'
import { ChangeDialog, type Plan } from '~/ui/ChangeDialog'
import { type Column, DataTable } from '~/ui/DataTable'
import { Empty } from '~/ui/Empty'
import { isSettled, noteOwnChange } from '~/ui/held'
import { Status } from '~/ui/Status'
import type { TableSearch } from '~/ui/search'
import { Ago } from '~/ui/Time'
import { paging, tableState } from '~/ui/tableState'
import { toast } from '~/ui/toast'

const keyOf = (session: Session): string => session.id

interface Props {
  search: TableSearch
  write: (change: TableSearch) => void
}

export function SessionsPanel({ search, write }: Props) {
  const filter = paging(search)
  const query = useQuery(sessionList(filter))
  const [ending, setEnding] = useState<Session | null>(null)
  const client = useQueryClient()
  const end = useMutation({
    mutationFn: (session: Session) => endSession(session.id),
    onSuccess: (_, session) => {
      noteOwnChange()
      setEnding(null)
      toast(`${session.name} is signed out there`)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['auth'] }),
  })
  return (
    <>
      <DataTable
        columns={columnsOf(setEnding)}
        empty={
          <Empty cli={['session', 'list']} icon="user" title="No browser is signed in">
            A session begins when somebody signs in with a key or by single sign-on.
          </Empty>
        }
        error={query.error}
        id="sessions"
        keyOf={keyOf}
        label="Sessions"
        onRetry={() => void query.refetch()}
        rows={query.data?.sessions}
        settled={isSettled(query)}
        state={tableState({ search, total: query.data?.total, usual: 'created_at', write })}
        view={JSON.stringify(filter)}
      />
      <ChangeDialog
        busy={end.isPending}
        error={end.error}
        onClose={() => setEnding(null)}
        onConfirm={() => ending && end.mutate(ending)}
        plan={ending && planOf(ending)}
      />
    </>
  )
}

const planOf = (session: Session): Plan => ({
  title: `Sign out ${session.name}`,
  sentence: session.current ? 'This is the browser you are using now.' : 'That browser has to sign in again.',
  differences: [{ what: 'Session', before: 'signed in', after: 'ended' }],
  cost: null,
  confirm: 'Sign out',
  danger: true,
  request: { method: 'DELETE', path: `/auth/sessions/${session.id}` },
})

function columnsOf(end: (session: Session) => void): Column<Session>[] {
  return [
    {
      id: 'name',
      header: 'Who',
      sortable: true,
      cell: (one) => (
        <strong data-row tabIndex={-1} title={one.subject}>
          {one.name}
        </strong>
      ),
    },
    {
      id: 'current',
      header: 'Which',
      cell: (one) => (one.current ? <Status label="this browser" status="active" /> : <span>{one.kind}</span>),
    },
    { id: 'address', header: 'From', from: 'sm', cell: (one) => <code className="cg-mono">{one.address || '–'}</code> },
    {
      id: 'user_agent',
      header: 'Browser',
      from: 'md',
      grow: true,
      cell: (one) => <span title={one.user_agent}>{one.user_agent || '–'}</span>,
    },
    { id: 'last_seen_at', header: 'Seen', sortable: true, cell: (one) => <Ago at={one.last_seen_at} /> },
    { id: 'expires_at', header: 'Ends', sortable: true, from: 'sm', cell: (one) => <Ago at={one.expires_at} /> },
    {
      id: 'acts',
      header: 'Do',
      align: 'end',
      cell: (one) => (
        <Button color="red" onClick={() => end(one)} size="compact-xs" variant="light">
          Sign out
        </Button>
      ),
    },
  ]
}
