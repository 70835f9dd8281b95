/** Make or change a limit; what will be different is shown before it is confirmed. */
import { Autocomplete, Group, NumberInput, Select, Stack, Switch } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type NewRule, putRule, type Rule, SCOPES } from '~/ratelimit/api'
import { rulePlan } from '~/ratelimit/plan'
import { ChangeDialog } from '~/ui/ChangeDialog'
import { toast } from '~/ui/toast'

const FRESH: NewRule = {
  name: 'jobs_create',
  scope: 'global',
  capacity: 100,
  refill_rate: 50,
  on_error: 'local',
  shadow: false,
  enabled: true,
}

export default function RuleForm({ rule, onClose }: { rule?: Rule; onClose: () => void }) {
  const [draft, setDraft] = useState<NewRule>(() => (rule ? wishOf(rule) : FRESH))
  const set = (change: Partial<NewRule>) => setDraft((old) => ({ ...old, ...change }))
  const client = useQueryClient()
  const put = useMutation({
    mutationFn: putRule,
    onSuccess: () => {
      toast(`Limit ${draft.name} is in force`)
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['limits'] }),
  })
  const amount = (value: string | number) => (value === '' ? Number.NaN : Number(value))
  const valid = draft.capacity >= 1 && draft.refill_rate > 0 && /^[a-z0-9_]{1,64}$/.test(draft.name)
  const plan = rulePlan(rule, draft)
  return (
    <ChangeDialog
      busy={put.isPending}
      error={put.error}
      onClose={onClose}
      onConfirm={() => put.mutate(draft)}
      plan={plan}
      valid={valid && plan.differences.length > 0}
    >
      <Stack gap="sm">
        <Group align="flex-start" grow>
          <Autocomplete
            data={['jobs_create', 'diagnosis']}
            disabled={rule !== undefined}
            label="What is limited"
            onChange={(name) => set({ name })}
            value={draft.name}
          />
          <Select
            allowDeselect={false}
            data={SCOPES.map((scope) => ({
              value: scope,
              label: scope === 'global' ? 'all together' : `each ${scope}`,
            }))}
            disabled={rule !== undefined}
            label="For whom"
            onChange={(scope) => set({ scope: scope as NewRule['scope'] })}
            value={draft.scope ?? 'global'}
          />
        </Group>
        <Group align="flex-start" grow>
          <NumberInput
            data-autofocus
            decimalScale={6}
            label="Tokens a second"
            max={1e9}
            min={0}
            onChange={(value) => set({ refill_rate: amount(value) })}
            value={Number.isNaN(draft.refill_rate) ? '' : draft.refill_rate}
          />
          <NumberInput
            allowDecimal={false}
            label="Capacity: the largest burst"
            max={1e9}
            min={1}
            onChange={(value) => set({ capacity: amount(value) })}
            value={Number.isNaN(draft.capacity) ? '' : draft.capacity}
          />
          <Select
            allowDeselect={false}
            data={[
              { value: 'local', label: 'Count in each process' },
              { value: 'allow', label: 'Let everything pass' },
              { value: 'deny', label: 'Let nothing pass' },
            ]}
            label="While Redis is away"
            onChange={(value) => set({ on_error: value as NewRule['on_error'] })}
            value={draft.on_error ?? 'local'}
          />
        </Group>
        <Switch
          checked={draft.shadow === true}
          label="Shadow: count and tell what would be refused, refuse nothing"
          onChange={(event) => set({ shadow: event.currentTarget.checked })}
        />
        <Switch
          checked={draft.enabled !== false}
          label="In force"
          onChange={(event) => set({ enabled: event.currentTarget.checked })}
        />
      </Stack>
    </ChangeDialog>
  )
}

function wishOf({ name, scope, capacity, refill_rate, on_error, shadow, enabled }: Rule): NewRule {
  return { name, scope, capacity, refill_rate, on_error, shadow, enabled }
}
