/** All droplets, one of them at the side, and the machines that nobody accounts for. */

import { Button, SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { ActButton } from '~/auth/ActButton'
import { Needs } from '~/auth/Needs'
import { useRefusal } from '~/auth/useMay'
import { dropletCounts, orphanList, providerList, STATUSES } from '~/droplets/api'
import { DropletPanel } from '~/droplets/DropletPanel'
import { DropletTable } from '~/droplets/DropletTable'
import { Empty } from '~/ui/Empty'
import { Choice, SearchBox } from '~/ui/Filters'
import { counted } from '~/ui/format'
import { Icon } from '~/ui/Icon'
import { Page } from '~/ui/Page'
import { command, pythonList, sortFlag } from '~/ui/request'
import { paging } from '~/ui/tableState'
import { OfferedView, ViewsMenu } from '~/ui/ViewsMenu'
import { Waiting } from '~/ui/Waiting'

const CreateDroplet = lazy(() => import('~/droplets/CreateDroplet'))
const Orphans = lazy(() => import('~/droplets/Orphans'))
const route = getRouteApi('/droplets')

export function DropletsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const write = (change: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true })
  const narrow = (change: Partial<typeof search>) => write({ ...change, page: undefined })
  // What stands beside the list can wait while one droplet is looked at, or made.
  const beside = useRefusal('viewer') === '' && !search.open && !search.create
  const orphans = useQuery({ ...orphanList(), enabled: beside })
  const [choosing, setChoosing] = useState(false)
  const providers = useQuery({ ...providerList(), enabled: beside && choosing })
  const filter = { q: search.q, status: search.status, provider: search.provider, cluster_id: search.cluster }
  const filtered = Object.values(filter).some(Boolean)
  const counts = useQuery({ ...dropletCounts(filter), enabled: choosing }).data?.counts
  const count = orphans.data?.orphans.length ?? 0

  return (
    <Page
      actions={
        <>
          <ViewsMenu page="/droplets" search={search} />
          <ActButton anywhere leftSection={<Icon name="plus" />} onClick={() => write({ create: true })}>
            Create droplet
          </ActButton>
        </>
      }
      request={{
        path: '/droplets',
        query: { ...filter, ...paging(search) },
        cli: command(['droplet', 'list'], {
          cluster: search.cluster,
          status: search.status,
          provider: search.provider,
          q: search.q,
          sort: sortFlag(search),
        }),
        python: pythonList('droplets', filter),
      }}
      title="Droplets"
    >
      <OfferedView page="/droplets" search={search} />
      <SegmentedControl
        aria-label="Which machines"
        data={[
          { value: 'all', label: 'Droplets' },
          { value: 'orphans', label: count > 0 ? `Orphans (${count})` : 'Orphans' },
        ]}
        onChange={(view) => write({ view: view === 'orphans' ? 'orphans' : undefined })}
        style={{ alignSelf: 'flex-start' }}
        value={search.view ?? 'all'}
      />
      {search.view === 'orphans' ? (
        <Suspense fallback={<Waiting />}>
          <Needs right="viewer">
            <Orphans />
          </Needs>
        </Suspense>
      ) : (
        <DropletTable
          empty={
            filtered ? (
              <NoMatch
                onClear={() => narrow({ q: undefined, status: undefined, provider: undefined, cluster: undefined })}
              />
            ) : undefined
          }
          filter={filter}
          id="droplets"
          onOpen={(one) => write({ open: one.id })}
          search={search}
          selected={search.open}
          tools={
            <>
              <SearchBox label="Search names" onChange={(q) => narrow({ q })} value={search.q} />
              <Choice
                label="Any status"
                onFocus={() => setChoosing(true)}
                onChange={(status) => narrow({ status: status as typeof search.status })}
                options={STATUSES.map((status) => ({ value: status, label: counted(status, counts?.[status]) }))}
                value={search.status}
              />
              <Choice
                label="Any provider"
                onFocus={() => setChoosing(true)}
                onChange={(provider) => narrow({ provider })}
                options={(providers.data ?? []).map((one) => one.name)}
                value={search.provider}
              />
              {search.cluster && (
                <Button
                  onClick={() => narrow({ cluster: undefined })}
                  rightSection={<Icon name="bad" size={12} />}
                  size="xs"
                  variant="light"
                >
                  {search.cluster}
                </Button>
              )}
            </>
          }
          write={write}
        />
      )}
      <DropletPanel id={search.open} onClose={() => write({ open: undefined })} />
      <Suspense>
        {search.create && <CreateDroplet cluster={search.cluster} onClose={() => write({ create: undefined })} />}
      </Suspense>
    </Page>
  )
}

function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty
      action={
        <Button onClick={onClear} variant="default">
          Clear the filters
        </Button>
      }
      icon="search"
      title="No droplet matches these filters"
    />
  )
}
