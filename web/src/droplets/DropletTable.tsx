/** Droplets as rows: on their own page, and in their cluster. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { type Droplet, type DropletFilter, dropletList } from '~/droplets/api'
import { DropletActs } from '~/droplets/DropletActs'
import { type Column, DataTable } from '~/ui/DataTable'
import { Empty } from '~/ui/Empty'
import { perHour } from '~/ui/format'
import { isSettled } from '~/ui/held'
import { Meter } from '~/ui/Meter'
import { Status } from '~/ui/Status'
import type { Raw, TableSearch } from '~/ui/search'
import { Ago } from '~/ui/Time'
import { paging, tableState } from '~/ui/tableState'

const keyOf = (droplet: Droplet): string => droplet.id

/** In its own page the link keeps the filters; from elsewhere it leads there. */
const nameColumn = (keep: boolean): Column<Droplet> => ({
  id: 'name',
  header: 'Name',
  sortable: true,
  cell: (one) => (
    <Link
      className="cg-quiet"
      data-row
      search={(old: Raw) => (keep ? { ...old, open: one.id } : { open: one.id })}
      style={{ fontWeight: 600 }}
      title={one.id}
      to="/droplets"
    >
      {one.name}
    </Link>
  ),
})

const COLUMNS: Column<Droplet>[] = [
  {
    id: 'status',
    header: 'Status',
    sortable: true,
    cell: (one) => <Status status={one.status} title={one.status_reason} />,
  },
  {
    id: 'reason',
    header: 'Why',
    grow: true,
    from: 'lg',
    cell: (one) => <span title={one.status_reason}>{one.status_reason}</span>,
  },
  { id: 'cpu', header: 'CPU', from: 'sm', cell: (one) => <Meter label="CPU" value={one.metrics?.cpu} /> },
  { id: 'memory', header: 'Memory', from: 'md', cell: (one) => <Meter label="Memory" value={one.metrics?.memory} /> },
  { id: 'size', header: 'Size', from: 'xl', cell: (one) => one.size },
  { id: 'provider', header: 'Placed', sortable: true, from: 'md', cell: (one) => `${one.provider}, ${one.region}` },
  {
    id: 'ip_address',
    header: 'Address',
    from: 'xl',
    cell: (one) => <span className="cg-mono">{one.ip_address ?? '–'}</span>,
  },
  {
    id: 'price',
    header: 'Price',
    from: 'lg',
    align: 'end',
    cell: (one) => <span className="cg-num">{perHour(one.hourly_usd_micros)}</span>,
  },
  {
    id: 'last_seen_at',
    header: 'Heard',
    from: 'sm',
    align: 'end',
    cell: (one) => <Ago at={one.last_seen_at} fallback="never" />,
  },
]

const OWN = [nameColumn(true), ...COLUMNS]
const ELSEWHERE = [nameColumn(false), ...COLUMNS]

interface Props {
  id: string
  filter: DropletFilter
  search: TableSearch
  write: (change: TableSearch) => void
  tools?: ReactNode
  selected?: string
  onOpen?: (droplet: Droplet) => void
  empty?: ReactNode
}

export function DropletTable({ id, filter, search, write, tools, selected, onOpen, empty }: Props) {
  const wanted = { ...filter, ...paging(search) }
  const query = useQuery(dropletList(wanted))
  const view = JSON.stringify(wanted)
  return (
    <DataTable
      choose={{
        scope: JSON.stringify(filter),
        nameOf: (one) => one.name,
        acts: (chosen, clear) => <DropletActs droplets={chosen} onDone={clear} />,
      }}
      columns={onOpen ? OWN : ELSEWHERE}
      empty={
        empty ?? (
          <Empty
            cli={['cluster', 'scale', filter.cluster_id ?? 'CLUSTER', '3']}
            icon="droplets"
            title="No droplets here"
          />
        )
      }
      error={query.error}
      id={id}
      keyOf={keyOf}
      label="Droplets"
      onOpen={onOpen}
      onRetry={() => void query.refetch()}
      rows={query.data?.droplets}
      selected={selected}
      settled={isSettled(query)}
      state={tableState({ search, total: query.data?.total, usual: 'created_at', write })}
      tools={tools}
      view={view}
    />
  )
}
