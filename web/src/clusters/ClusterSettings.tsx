/** Change a cluster's name and the defaults of its droplets. */

import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Problem } from '~/api/problem'
import { ActButton } from '~/auth/ActButton'
import { type Cluster, changeCluster, clusterOne } from '~/clusters/api'
import { changesOf, type SettingsDraft, settingsPlan, whatChanged } from '~/clusters/plans'
import { PlacementFields, PriceLine, useUnitPrice } from '~/droplets/PlacementFields'
import { ChangeDialog } from '~/ui/ChangeDialog'
import { Facts } from '~/ui/Facts'
import { noteOwnChange } from '~/ui/held'
import { Columns } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { Moment } from '~/ui/Time'
import { toast } from '~/ui/toast'

const draftOf = (cluster: Cluster): SettingsDraft => ({
  name: cluster.name,
  provider: cluster.provider,
  region: cluster.region,
  size: cluster.size,
  image: cluster.image,
})

export default function ClusterSettings({ cluster }: { cluster: Cluster }) {
  const [seen, setSeen] = useState(cluster)
  const [draft, setDraft] = useState(() => draftOf(cluster))
  const [confirming, setConfirming] = useState(false)
  const [stale, setStale] = useState('')
  const client = useQueryClient()
  const before = useUnitPrice(seen).price
  const after = useUnitPrice(draft).price
  const change = changesOf(seen, draft)
  const dirty = Object.keys(change).length > 1
  const save = useMutation({
    mutationFn: () => changeCluster(cluster.id, change),
    onSuccess: ({ cluster: now }) => {
      noteOwnChange()
      client.setQueryData(clusterOne(cluster.id).queryKey, { cluster: now, message: 'updated', job: null })
      setSeen(now)
      setDraft(draftOf(now))
      setConfirming(false)
      toast(`${now.name} changed`)
    },
    onError: async (problem) => {
      if (!(problem instanceof Problem) || problem.kind !== 'cluster-changed') return
      const now = (await client.fetchQuery({ ...clusterOne(cluster.id), staleTime: 0 })).cluster
      setStale(`Somebody changed it: ${whatChanged(seen, now)}. Your changes are kept; confirm them anew.`)
      setSeen(now)
    },
  })

  return (
    <Columns least={380}>
      <Panel title="Name and defaults">
        <Stack gap="md">
          <TextInput
            label="Name"
            maxLength={255}
            onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
            value={draft.name}
          />
          <PlacementFields
            onChange={(wish) =>
              setDraft({
                name: draft.name,
                provider: wish.provider ?? null,
                region: wish.region ?? null,
                size: wish.size ?? null,
                image: wish.image ?? null,
              })
            }
            value={draft}
          />
          <PriceLine count={1} wish={draft} />
          <Group justify="flex-end">
            <Button disabled={!dirty} onClick={() => setDraft(draftOf(seen))} variant="default">
              Undo
            </Button>
            <ActButton
              cluster={cluster.id}
              disabled={!dirty || draft.name.trim() === ''}
              onClick={() => setConfirming(true)}
            >
              Review changes
            </ActButton>
          </Group>
        </Stack>
      </Panel>
      <Panel title="Identity">
        <Facts
          facts={[
            [
              'Id',
              <span className="cg-mono" key="id">
                {cluster.id}
              </span>,
            ],
            [
              'Trace',
              <span className="cg-mono" key="trace">
                {cluster.trace_id}
              </span>,
            ],
            ['Revision', cluster.revision],
            [
              'Checks',
              cluster.checks.length === 0
                ? 'the agent’s heartbeat only'
                : cluster.checks.map((check) => Object.values(check).join(' ')).join('; '),
            ],
            ['Created', <Moment at={cluster.created_at} key="created" />],
            ['Changed', <Moment at={cluster.updated_at} key="changed" />],
          ]}
        />
      </Panel>
      <ChangeDialog
        busy={save.isPending}
        error={stale ? null : save.error}
        onClose={() => setConfirming(false)}
        onConfirm={() => {
          setStale('')
          save.mutate()
        }}
        plan={confirming ? settingsPlan(seen, draft, before, after) : null}
        stale={stale}
        valid={dirty}
      />
    </Columns>
  )
}
