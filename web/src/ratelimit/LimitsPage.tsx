/** Every limit with its live tokens, when the next one comes, and how to change it. */

import { Group, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { ActButton } from '~/auth/ActButton'
import { Needs } from '~/auth/Needs'
import { useRefusal } from '~/auth/useMay'
import type { Cluster } from '~/clusters/api'
import { NAMED } from '~/clusters/ClusterName'
import { type Rule, ruleList } from '~/ratelimit/api'
import { BucketPanel } from '~/ratelimit/BucketPanel'
import { RemoveRule } from '~/ratelimit/RemoveRule'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Choice } from '~/ui/Filters'
import { Icon } from '~/ui/Icon'
import { Columns, Page } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { Waiting } from '~/ui/Waiting'

const RuleForm = lazy(() => import('~/ratelimit/RuleForm'))
const route = getRouteApi('/limits')
const placeOf = (rule: Rule): string => `${rule.name}:${rule.scope}`

export function LimitsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const write = (change: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true })
  const why = useRefusal('viewer')
  const rules = useQuery({ ...ruleList(), enabled: why === '' })
  const clusters = useQuery(NAMED)
  const [removing, setRemoving] = useState<Rule | null>(null)
  const known = clusters.data?.clusters ?? []
  const whom = {
    global: '',
    cluster: search.cluster ?? known[0]?.id ?? '',
    user: search.user ?? '',
  }
  const edited = rules.data?.find((one) => placeOf(one) === search.edit)
  const scopes = new Set(rules.data?.map((one) => one.scope))

  return (
    <Page
      actions={
        <ActButton needs="admin" leftSection={<Icon name="plus" />} onClick={() => write({ create: true })}>
          Add a limit
        </ActButton>
      }
      request={{ path: '/observability/ratelimit/config/list', cli: ['limit', 'list'] }}
      sentence="What may be asked for how often. A change is in force everywhere within a second."
      title="Limits"
    >
      <Whose known={known} scopes={scopes} search={search} whom={whom.cluster} write={write} />
      {rules.error && <ErrorPanel error={rules.error} onRetry={() => void rules.refetch()} />}
      {why && <Needs right="viewer">{null}</Needs>}
      {!why && !rules.data && !rules.error && <Waiting lines={6} />}
      {rules.data?.length === 0 && (
        <Panel>
          <Empty
            cli={['limit', 'set', 'jobs_create', '--rate', '50', '--capacity', '100']}
            icon="limits"
            title="Nothing is limited"
          >
            Requests are let through as fast as they come.
          </Empty>
        </Panel>
      )}
      <Columns least={340}>
        {rules.data?.map((rule) => (
          <BucketPanel
            key={placeOf(rule)}
            onEdit={() => write({ edit: placeOf(rule) })}
            onRemove={() => setRemoving(rule)}
            rule={rule}
            whom={whom[rule.scope]}
          />
        ))}
      </Columns>
      <RemoveRule onClose={() => setRemoving(null)} rule={removing} />
      <Suspense>
        {search.create && <RuleForm onClose={() => write({ create: undefined })} />}
        {edited && <RuleForm key={placeOf(edited)} onClose={() => write({ edit: undefined })} rule={edited} />}
      </Suspense>
    </Page>
  )
}

interface WhoseProps {
  known: Cluster[]
  scopes: Set<string>
  search: { user?: string }
  whom: string
  write: (change: { cluster?: string; user?: string }) => void
}

/** Whose buckets are shown, where there is one for each. */
function Whose({ known, scopes, search, whom, write }: WhoseProps) {
  return (
    <Group align="flex-end" gap={8}>
      {scopes.has('cluster') && (
        <Choice
          label="Cluster whose buckets are shown"
          onChange={(cluster) => write({ cluster })}
          options={known.map((one) => ({ value: one.id, label: one.name }))}
          value={whom || undefined}
          width={220}
        />
      )}
      {scopes.has('user') && (
        <TextInput
          aria-label="User whose buckets are shown"
          leftSection={<Icon name="user" size={14} />}
          maxLength={255}
          onChange={(event) => write({ user: event.currentTarget.value || undefined })}
          placeholder="User"
          size="xs"
          value={search.user ?? ''}
          w={220}
        />
      )}
    </Group>
  )
}
