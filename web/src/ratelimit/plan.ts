/** Decide in words what another rule will change; pure. */
import type { NewRule, Rule } from '~/ratelimit/api'
import type { Plan } from '~/ui/ChangeDialog'

const FIELDS = [
  ['refill_rate', 'Tokens a second'],
  ['capacity', 'Capacity'],
  ['on_error', 'While Redis is away'],
  ['shadow', 'Shadow'],
  ['enabled', 'In force'],
] as const

const said = (value: unknown): string => (value === true ? 'yes' : value === false ? 'no' : String(value))

export function rulePlan(before: Rule | undefined, after: NewRule): Plan {
  const tighter = before !== undefined && after.refill_rate < before.refill_rate
  const cli = ['limit', 'set', after.name, '--scope', after.scope ?? 'global']
  return {
    title: before ? `Change the limit ${before.name}, ${before.scope}` : 'Add a limit',
    sentence: sentenceOf(after),
    differences: FIELDS.filter(([name]) => before?.[name] !== after[name]).map(([name, what]) => ({
      what,
      before: before ? said(before[name]) : '–',
      after: said(after[name]),
    })),
    cost: null,
    consequences: tighter ? ['Who asks faster than this is answered 429, with Retry-After.'] : [],
    confirm: before ? 'Save changes' : 'Add limit',
    request: {
      method: 'POST',
      path: '/observability/ratelimit/config',
      body: after,
      cli: [...cli, '--rate', String(after.refill_rate), '--capacity', String(after.capacity)],
    },
  }
}

function sentenceOf({ scope, capacity, refill_rate: rate, shadow, enabled }: NewRule): string {
  if (!(capacity >= 1) || !(rate > 0)) return 'Say how many tokens come back a second, and how many there are at most.'
  if (enabled === false) return 'It is kept, and limits nothing until it is put in force.'
  const who = scope === 'global' || scope === undefined ? 'All together' : `Each ${scope}`
  const then = shadow ? 'more is counted and let through' : 'more is refused'
  return `${who} may ask ${rate} times a second, and up to ${capacity} times at once; ${then}.`
}
