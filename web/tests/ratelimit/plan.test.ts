import { expect, test } from 'vitest'
import type { Rule } from '~/ratelimit/api'
import { rulePlan } from '~/ratelimit/plan'

const rule = {
  name: 'jobs_create',
  scope: 'user',
  capacity: 100,
  refill_rate: 50,
  on_error: 'local',
  shadow: false,
  enabled: true,
} as Rule

test('only what differs is shown, and a tighter limit says what it means', () => {
  const plan = rulePlan(rule, { ...rule, refill_rate: 5 } as never)
  expect(plan.differences).toEqual([{ what: 'Tokens a second', before: '50', after: '5' }])
  expect(plan.consequences?.[0]).toContain('Retry-After')
})

test('a shadow refuses nothing, and the sentence says so', () => {
  expect(rulePlan(rule, { ...rule, shadow: true } as never).sentence).toContain('let through')
  expect(rulePlan(rule, { ...rule, enabled: false } as never).sentence).toContain('limits nothing')
  expect(rulePlan(undefined, { ...rule, capacity: Number.NaN } as never).sentence).toContain('Say how many')
})
