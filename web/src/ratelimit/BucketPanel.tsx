/** One limit: the tokens there are this moment, and the rule they go by. */

import { Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { ActButton } from '~/auth/ActButton'
import { type Bucket, bucketOf, type Rule } from '~/ratelimit/api'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { type Fact, Facts } from '~/ui/Facts'
import { duration, number } from '~/ui/format'
import { Panel } from '~/ui/Panel'
import { Status } from '~/ui/Status'
import { Ago } from '~/ui/Time'
import classes from './BucketPanel.module.css'

interface Props {
  rule: Rule
  whom: string
  onEdit: () => void
  onRemove: () => void
}

const ERROR_WORDS = { local: 'count in each process', allow: 'let everything pass', deny: 'let nothing pass' }

export function BucketPanel({ rule, whom, onEdit, onRemove }: Props) {
  const query = useQuery(bucketOf(rule, whom))
  const bucket = query.data
  const share = bucket ? (100 * bucket.available) / bucket.capacity : 0
  return (
    <Panel
      aside={<Mode rule={rule} />}
      title={`${rule.name}, ${rule.scope === 'global' ? 'all together' : `per ${rule.scope}`}`}
    >
      {query.error && <ErrorPanel compact error={query.error} onRetry={() => void query.refetch()} />}
      <div className={classes.tokens}>
        <span aria-hidden="true" className={classes.track}>
          <span data-low={share < 10 || undefined} style={{ width: `${share}%` }} />
        </span>
        <span className={classes.count}>
          <strong>{bucket ? number(bucket.available) : '–'}</strong> of {number(rule.capacity)} tokens
        </span>
      </div>
      <Facts facts={[...standing(rule, bucket, whom), ...terms(rule)]} />
      <Group gap={8} justify="flex-end" mt={12}>
        {rule.source === 'stored' && (
          <ActButton needs="admin" color="red" onClick={onRemove} size="compact-sm" variant="light">
            Delete
          </ActButton>
        )}
        <ActButton needs="admin" onClick={onEdit} size="compact-sm" variant="default">
          Change
        </ActButton>
      </Group>
    </Panel>
  )
}

function standing(rule: Rule, bucket: Bucket | undefined, whom: string): Fact[] {
  const mine: Fact = rule.scope !== 'global' && [
    rule.scope === 'cluster' ? 'Cluster' : 'User',
    <span className="cg-mono" key="whom">
      {bucket?.scope_id ?? (whom || 'choose one above')}
    </span>,
  ]
  if (!bucket) return [mine]
  return [
    mine,
    ['Next token in', nextOf(bucket)],
    ['Full again in', bucket.reset === null ? 'never' : bucket.reset > 0 ? duration(bucket.reset) : 'now'],
    ['Counted in', `${bucket.source}${bucket.degraded ? ', degraded' : ''}`],
  ]
}

function terms(rule: Rule): Fact[] {
  return [
    ['Comes back', `${rule.refill_rate} a second`],
    ['While Redis is away', ERROR_WORDS[rule.on_error ?? 'local']],
    ['Rule', rule.source === 'default' ? 'default of the settings' : `stored, version ${rule.version}`],
    rule.updated_at ? ['Changed', <Ago at={rule.updated_at} key="at" />] : null,
  ]
}

function nextOf(bucket: { available: number; capacity: number; retry_after: number | null }): string {
  if (bucket.available > 0) return 'there are some'
  return bucket.retry_after === null ? 'never' : `${duration(bucket.retry_after)}: what Retry-After says`
}

function Mode({ rule }: { rule: Rule }) {
  if (rule.enabled === false) return <Status label="off" status="paused" />
  return rule.shadow ? (
    <Status label="shadow: refuses nothing" status="warning" />
  ) : (
    <Status label="in force" status="active" />
  )
}
