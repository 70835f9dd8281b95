/** Who did what, when, from where, and what it changed. Nobody can change or delete it. */
import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { AuditEntry } from '~/auth/AuditEntry'
import { ACTIONS, auditList, changesOf, type Entry, inShort, SPANS, type Span } from '~/auth/audit'
import { Needs } from '~/auth/Needs'
import { useRefusal } from '~/auth/useMay'
import { type Column, DataTable } from '~/ui/DataTable'
import { Empty } from '~/ui/Empty'
import { Choice, SearchBox } from '~/ui/Filters'
import { isSettled } from '~/ui/held'
import { Icon } from '~/ui/Icon'
import { Page } from '~/ui/Page'
import { command } from '~/ui/request'
import { Ago } from '~/ui/Time'
import { paging, tableState } from '~/ui/tableState'
import { OfferedView, ViewsMenu } from '~/ui/ViewsMenu'

const route = getRouteApi('/audit')
const keyOf = (entry: Entry): string => String(entry.id)
const AGO = { '1h': 'Last hour', '24h': 'Last day', '7d': 'Last week', '30d': 'Last 30 days' }
const NO_FILTER = { q: undefined, actor: undefined, action: undefined, target: undefined, since: undefined }

export function AuditPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const write = (change: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true })
  const narrow = (change: Partial<typeof search>) => write({ ...change, page: undefined })
  const { q, actor, action, target, since } = search
  const why = useRefusal('admin')
  const filter = { q, actor, action, target, since, ...paging(search) }
  const query = useQuery({ ...auditList(filter), enabled: why === '' })
  const filtered = Boolean(q || actor || action || target || since)
  const { since: _since, ...sent } = filter
  return (
    <Page
      actions={<ViewsMenu page="/audit" search={search} />}
      request={{
        path: '/audit',
        query: sent,
        cli: command(['audit', 'list'], { actor, action, target, query: q, since }),
      }}
      sentence="Who did what, when, from where, and what it changed."
      title="Audit"
    >
      <OfferedView page="/audit" search={search} />
      <Needs right="admin">
        <DataTable
          columns={COLUMNS}
          empty={
            filtered ? (
              <Empty
                action={
                  <Button onClick={() => narrow(NO_FILTER)} variant="default">
                    Clear the filters
                  </Button>
                }
                icon="search"
                title="Nothing matches these filters"
              />
            ) : (
              <Empty cli={['audit', 'list']} icon="audit" title="Nothing has been done yet">
                Everything that somebody changes is noted here, with what it was before.
              </Empty>
            )
          }
          error={query.error}
          id="audit"
          keyOf={keyOf}
          label="Audit trail"
          onOpen={(entry) => write({ open: String(entry.id) })}
          onRetry={() => void query.refetch()}
          rows={query.data?.entries}
          selected={search.open}
          settled={isSettled(query)}
          state={tableState({ search, total: query.data?.total, usual: 'id', write })}
          tools={
            <>
              <SearchBox label="Search" onChange={(value) => narrow({ q: value })} value={q} />
              <Choice
                label="Any act"
                onChange={(value) => narrow({ action: value })}
                options={ACTIONS}
                value={action}
              />
              <Choice
                label="Any time"
                onChange={(value) => narrow({ since: value as Span | undefined })}
                options={(Object.keys(SPANS) as Span[]).map((one) => ({ value: one, label: AGO[one] }))}
                value={since}
              />
              {(['actor', 'target'] as const).map(
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
          view={JSON.stringify(filter)}
        />
        <AuditEntry
          entry={query.data?.entries.find((one) => String(one.id) === search.open)}
          onClose={() => write({ open: undefined })}
          onNarrow={narrow}
        />
      </Needs>
    </Page>
  )
}

const COLUMNS: Column<Entry>[] = [
  {
    id: 'id',
    header: 'When',
    sortable: true,
    cell: (one) => (
      <span data-row tabIndex={-1}>
        <Ago at={one.at} />
      </span>
    ),
  },
  { id: 'actor', header: 'Who', cell: (one) => <strong title={one.actor}>{one.actor_name || one.actor}</strong> },
  { id: 'action', header: 'Did', cell: (one) => <code className="cg-mono">{one.action}</code> },
  { id: 'target', header: 'To', from: 'sm', cell: (one) => <code className="cg-mono">{one.target || '–'}</code> },
  {
    id: 'changes',
    header: 'What changed',
    grow: true,
    from: 'md',
    cell: (one) => {
      const short = inShort(changesOf(one.before, one.after))
      return <span title={short}>{short || '–'}</span>
    },
  },
  { id: 'address', header: 'From', from: 'lg', cell: (one) => <code className="cg-mono">{one.address || '–'}</code> },
]
