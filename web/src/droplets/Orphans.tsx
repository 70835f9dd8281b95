/** Machines of this installation that no droplet accounts for: what they cost, and what to do about them. */

import { Button, Group } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { ActButton } from '~/auth/ActButton'
import { adoptOrphan, destroyOrphan, type Orphan, orphanList } from '~/droplets/api'
import { orphansBulk } from '~/droplets/bulk'
import type { Bulk } from '~/ui/bulk'
import { ChangeDialog, type Plan } from '~/ui/ChangeDialog'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { perHour, perMonth, plural } from '~/ui/format'
import { Panel } from '~/ui/Panel'
import { SimpleTable } from '~/ui/SimpleTable'
import { useSelection } from '~/ui/selection'
import { Ago } from '~/ui/Time'
import { toast } from '~/ui/toast'
import { Waiting } from '~/ui/Waiting'

type Act = { kind: 'adopt' | 'destroy'; orphan: Orphan }

const NONE: Orphan[] = []
const refOf = (orphan: Orphan): string => orphan.ref

const BulkDialog = lazy(() => import('~/ui/BulkDialog'))

export default function Orphans() {
  const query = useQuery(orphanList())
  const [act, setAct] = useState<Act | null>(null)
  const [bulk, setBulk] = useState<Bulk | null>(null)
  const client = useQueryClient()
  const run = useMutation({
    mutationFn: ({ kind, orphan }: Act) => (kind === 'adopt' ? adoptOrphan(orphan.ref) : destroyOrphan(orphan.ref)),
    onSuccess: (_, { kind, orphan }) => {
      setAct(null)
      toast(`${orphan.name} ${kind === 'adopt' ? 'adopted' : 'destroyed'}`)
      return client.invalidateQueries({ queryKey: ['droplets'] })
    },
  })
  const selection = useSelection('orphans', query.data?.orphans ?? NONE, refOf)
  if (query.error && !query.data) return <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />
  if (!query.data) return <Waiting />
  const { orphans, hourly_usd_micros: cost } = query.data
  if (orphans.length === 0) {
    return (
      <Panel>
        <Empty cli={['droplet', 'orphans']} icon="ok" title="No orphans">
          Every machine that carries this installation’s tag belongs to a droplet.
        </Empty>
      </Panel>
    )
  }
  return (
    <Panel
      aside={`${perHour(cost)}${cost > 0 ? `, ${perMonth(cost)}` : ''}`}
      flush
      title={`${plural(orphans.length, 'machine')} without a droplet`}
    >
      {selection.chosen.size > 0 && (
        <Group aria-label="Chosen rows" component="section" gap={8} p="8px 12px">
          <strong aria-live="polite">{selection.chosen.size} selected</strong>
          {(['adopt', 'destroy'] as const).map((kind) => (
            <ActButton
              color={kind === 'destroy' ? 'red' : undefined}
              key={kind}
              onClick={() => setBulk(orphansBulk(kind, [...selection.chosen.values()]))}
              size="compact-sm"
              variant="light"
            >
              {kind === 'adopt' ? 'Adopt all' : 'Destroy all'}
            </ActButton>
          ))}
          <Button data-clear-choice onClick={selection.clear} size="compact-sm" variant="subtle">
            Clear
          </Button>
        </Group>
      )}
      <SimpleTable
        choose={{ selection, nameOf: (ref) => orphans.find((one) => one.ref === ref)?.name ?? ref }}
        columns={['Name', 'Placed', 'Size', 'Address', 'Price', 'Created', '']}
        label="Orphans"
        rows={orphans.map((one) => ({
          key: one.ref,
          cells: [
            <strong data-row key="name" tabIndex={-1}>
              {one.name}
            </strong>,
            `${one.provider}, ${one.region}`,
            one.size,
            one.ip_address ?? '–',
            perHour(one.hourly_usd_micros),
            <Ago at={one.created_at} key="created" />,
            <Group gap={6} justify="flex-end" key="acts" wrap="nowrap">
              <ActButton onClick={() => setAct({ kind: 'adopt', orphan: one })} size="compact-xs" variant="default">
                Adopt
              </ActButton>
              <ActButton
                color="red"
                onClick={() => setAct({ kind: 'destroy', orphan: one })}
                size="compact-xs"
                variant="light"
              >
                Destroy
              </ActButton>
            </Group>,
          ],
        }))}
      />
      <ChangeDialog
        busy={run.isPending}
        error={run.error}
        onClose={() => setAct(null)}
        onConfirm={() => act && run.mutate(act)}
        plan={act && planOf(act)}
      />
      <Suspense>
        {bulk && (
          <BulkDialog
            bulk={bulk}
            onChanged={() => void client.invalidateQueries({ queryKey: ['droplets'] })}
            onClose={() => {
              setBulk(null)
              selection.clear()
            }}
          />
        )}
      </Suspense>
    </Panel>
  )
}

function planOf({ kind, orphan }: Act): Plan {
  const adopt = kind === 'adopt'
  return {
    title: `${adopt ? 'Adopt' : 'Destroy'} ${orphan.name}`,
    sentence: adopt
      ? 'It becomes a droplet again, under the id on its tag, in no cluster.'
      : 'The machine is destroyed.',
    differences: [{ what: 'Machine', before: 'orphan', after: adopt ? 'droplet' : 'gone' }],
    cost: { before: orphan.hourly_usd_micros, after: adopt ? orphan.hourly_usd_micros : 0 },
    consequences: adopt ? [] : ['What is stored on it is lost.'],
    confirm: adopt ? 'Adopt' : 'Destroy',
    danger: !adopt,
    request: {
      method: 'POST',
      path: `/droplets/orphans/${orphan.ref}/${kind}`,
      cli: ['droplet', adopt ? 'adopt' : 'destroy-orphan', orphan.ref],
    },
  }
}
