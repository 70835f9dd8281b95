/** Make or change a schedule: cron in words, and the next moments, as it is typed. */
import { Autocomplete, Button, Group, Modal, Select, Stack, Switch, Textarea, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { fieldOf, Problem } from '~/api/problem'
import { NAMED } from '~/clusters/ClusterName'
import { TYPES } from '~/jobs/api'
import { changeSchedule, createSchedule, MISFIRES, type Schedule, type ScheduleSpec } from '~/schedules/api'
import { type Draft, draftOf, specOfDraft, ZONES } from '~/schedules/draft'
import { Preview } from '~/schedules/Preview'
import { CopyMenu } from '~/ui/CopyMenu'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { words } from '~/ui/format'
import { noteOwnChange } from '~/ui/held'
import { toast } from '~/ui/toast'

const MISFIRE_WORDS = { fire_once: 'Run the last one once', skip: 'Skip them', all: 'Run each of them' }

export default function ScheduleForm({ schedule, onClose }: { schedule?: Schedule; onClose: () => void }) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(schedule))
  const set = (change: Partial<Draft>) => setDraft((old) => ({ ...old, ...change }))
  const [cron] = useDebouncedValue(draft.cron, 250)
  const clusters = useQuery(NAMED)
  const client = useQueryClient()
  const { spec, wrong } = specOfDraft(draft, schedule?.version)
  const save = useMutation({
    mutationFn: (body: ScheduleSpec) => (schedule ? changeSchedule(schedule.id, body) : createSchedule(body)),
    onSuccess: (reply) => {
      noteOwnChange()
      toast(`Schedule ${reply.schedule.name} ${schedule ? 'changed' : 'created'}`)
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['schedules', 'list'] }),
  })
  const errors = save.error instanceof Problem ? save.error.errors : []
  const said = (name: string) => errors.find((one) => fieldOf(one.pointer) === name)?.detail
  const path = schedule ? `/schedules/${schedule.id}` : '/schedules'

  return (
    <Modal onClose={onClose} opened size="lg" title={schedule ? `Change ${schedule.name}` : 'Create schedule'}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (spec) save.mutate(spec)
        }}
      >
        <Stack gap="md">
          <Group align="flex-start" grow>
            <TextInput
              data-autofocus
              error={said('name')}
              label="Name"
              maxLength={255}
              onChange={(event) => set({ name: event.currentTarget.value })}
              placeholder="nightly check"
              required
              value={draft.name}
            />
            <Select
              allowDeselect={false}
              data={TYPES.map((type) => ({ value: type, label: words(type) }))}
              error={said('type')}
              label="Job"
              onChange={(type) => set({ type: type ?? 'diagnose' })}
              value={draft.type}
            />
          </Group>
          <Group align="flex-start" grow>
            <TextInput
              error={said('cron')}
              label="Cron"
              maxLength={128}
              onChange={(event) => set({ cron: event.currentTarget.value })}
              placeholder="0 3 * * *"
              required
              value={draft.cron}
            />
            <Autocomplete
              data={ZONES}
              error={said('time_zone')}
              label="Time zone"
              limit={30}
              onChange={(time_zone) => set({ time_zone })}
              value={draft.time_zone}
            />
          </Group>
          <Preview cron={cron} zone={draft.time_zone} />
          <Group align="flex-start" grow>
            <Select
              clearable
              data={(clusters.data?.clusters ?? []).map((one) => ({ value: one.id, label: one.name }))}
              error={said('parameters.cluster_id')}
              label="Cluster"
              onChange={(cluster) => set({ cluster: cluster ?? '' })}
              placeholder="None"
              searchable
              value={draft.cluster || null}
            />
            <Select
              allowDeselect={false}
              data={MISFIRES.map((one) => ({ value: one, label: MISFIRE_WORDS[one] }))}
              label="Slots missed while nobody looked"
              onChange={(misfire) => set({ misfire: (misfire ?? 'fire_once') as Draft['misfire'] })}
              value={draft.misfire}
            />
          </Group>
          <Textarea
            autosize={false}
            error={wrong || errors.find((one) => one.pointer.startsWith('/parameters'))?.detail}
            label="Other parameters, one name=value a line"
            onChange={(event) => set({ parameters: event.currentTarget.value })}
            placeholder={'target_size=5'}
            rows={2}
            value={draft.parameters}
          />
          <Switch
            checked={draft.paused}
            label="Paused"
            onChange={(event) => set({ paused: event.currentTarget.checked })}
          />
          {save.error && <ErrorPanel compact error={save.error} />}
          <Group justify="space-between">
            <CopyMenu request={{ method: schedule ? 'PUT' : 'POST', path, body: spec }} />
            <Group gap={8}>
              <Button onClick={onClose} variant="default">
                Cancel
              </Button>
              <Button disabled={!spec} loading={save.isPending} type="submit">
                {schedule ? 'Save changes' : 'Create schedule'}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
