/** API keys: whose, for what, until when, used last; made, changed, rotated and revoked. */
import { Button, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { KEY_STATUSES, type Key, keyList } from '~/auth/api'
import { type KeyAct, KeyActs } from '~/auth/KeyActs'
import { inWords } from '~/auth/may'
import { type Column, DataTable } from '~/ui/DataTable'
import { Empty } from '~/ui/Empty'
import { Choice } from '~/ui/Filters'
import { isSettled } from '~/ui/held'
import { Status } from '~/ui/Status'
import type { TableSearch } from '~/ui/search'
import { Ago } from '~/ui/Time'
import { paging, tableState } from '~/ui/tableState'

const KeyForm = lazy(() => import('~/auth/KeyForm'))
const keyOf = (key: Key): string => key.id

interface Search extends TableSearch {
  status?: (typeof KEY_STATUSES)[number]
  create?: true
  edit?: string
}

interface Props {
  search: Search
  write: (change: Partial<Search>) => void
}

export function KeysPanel({ search, write }: Props) {
  const filter = { ...paging(search), status: search.status }
  const query = useQuery(keyList(filter))
  const [act, setAct] = useState<KeyAct | null>(null)
  const edited = query.data?.keys.find((one) => one.id === search.edit)
  return (
    <>
      <DataTable
        columns={columnsOf(setAct, (key) => write({ edit: key.id }))}
        empty={
          <Empty
            action={search.status ? undefined : <Button onClick={() => write({ create: true })}>Create key</Button>}
            cli={['key', 'create', 'ci', '--role', 'operator', '--expires', '90d']}
            icon="key"
            title={search.status ? `No key is ${search.status}` : 'No keys yet'}
          >
            Without any key, only this machine itself may come in. A key belongs to one person or one program.
          </Empty>
        }
        error={query.error}
        id="keys"
        keyOf={keyOf}
        label="API keys"
        onRetry={() => void query.refetch()}
        rows={query.data?.keys}
        settled={isSettled(query)}
        state={tableState({ search, total: query.data?.total, usual: 'created_at', write })}
        tools={
          <Choice
            label="All but revoked"
            onChange={(status) => write({ status: status as Search['status'], page: undefined })}
            options={KEY_STATUSES}
            value={search.status}
          />
        }
        view={JSON.stringify(filter)}
      />
      {act && <KeyActs act={act} onClose={() => setAct(null)} />}
      <Suspense>
        {search.create && <KeyForm onClose={() => write({ create: undefined })} />}
        {edited && <KeyForm edited={edited} key={edited.id} onClose={() => write({ edit: undefined })} />}
      </Suspense>
    </>
  )
}

function columnsOf(act: (act: KeyAct) => void, edit: (key: Key) => void): Column<Key>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      sortable: true,
      cell: (one) => (
        <strong data-row tabIndex={-1} title={one.id}>
          {one.name}
        </strong>
      ),
    },
    {
      id: 'status',
      header: 'Status',
      cell: (one) => <Status status={one.status === 'revoked' ? 'cancelled' : one.status} label={one.status} />,
    },
    {
      id: 'grants',
      header: 'May',
      grow: true,
      from: 'sm',
      cell: (one) => <span title={inWords(one.grants)}>{inWords(one.grants)}</span>,
    },
    { id: 'prefix', header: 'Begins with', from: 'lg', cell: (one) => <code className="cg-mono">{one.prefix}</code> },
    {
      id: 'expires_at',
      header: 'Expires',
      sortable: true,
      cell: (one) => <Ago at={one.expires_at} fallback="never" />,
    },
    {
      id: 'last_used_at',
      header: 'Used',
      sortable: true,
      from: 'sm',
      cell: (one) => <Ago at={one.last_used_at} fallback="never" />,
    },
    { id: 'created_at', header: 'Made', sortable: true, from: 'lg', cell: (one) => <Ago at={one.created_at} /> },
    {
      id: 'acts',
      header: 'Do',
      align: 'end',
      cell: (one) =>
        one.status === 'revoked' ? null : (
          <Group gap={6} justify="flex-end" wrap="nowrap">
            <Button onClick={() => edit(one)} size="compact-xs" variant="default">
              Edit
            </Button>
            <Button onClick={() => act({ kind: 'rotate', key: one })} size="compact-xs" variant="default">
              Rotate
            </Button>
            <Button color="red" onClick={() => act({ kind: 'revoke', key: one })} size="compact-xs" variant="light">
              Revoke
            </Button>
          </Group>
        ),
    },
  ]
}
