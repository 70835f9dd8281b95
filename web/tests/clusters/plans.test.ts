import { expect, test } from 'vitest'
import type { Cluster } from '~/clusters/api'
import { clusterForm } from '~/clusters/form'
import { changesOf, deletePlan, scalePlan, settingsPlan, whatChanged } from '~/clusters/plans'

const cluster: Cluster = {
  id: 'cluster-1',
  name: 'web',
  region: null,
  provider: 'simulated',
  size: null,
  image: null,
  checks: [],
  status: 'healthy',
  health: 'all 4 droplets are active',
  wanted_size: 4,
  active: 4,
  droplets: ['a', 'b', 'c', 'd'],
  revision: 2,
  version: 9,
  trace_id: 't',
  created_at: '2026-11-23T05:00:00Z',
  updated_at: '2026-11-23T05:00:00Z',
  last_checked: null,
}

test('scaling up says what it orders and costs', () => {
  const plan = scalePlan(cluster, 6, 8930)
  expect(plan.sentence).toBe('2 droplets will be ordered.')
  expect(plan.cost).toEqual({ before: 35_720, after: 53_580 })
  expect(plan.danger).toBe(false)
})

test('scaling down is dangerous and says what is lost', () => {
  const plan = scalePlan(cluster, 1, null)
  expect(plan).toMatchObject({ danger: true, confirm: 'Remove 3 droplets', cost: null })
  expect(plan.consequences).toHaveLength(1)
})

test('an empty size makes a plan that cannot be misread', () => {
  expect(scalePlan(cluster, Number.NaN, 8930)).toMatchObject({ cost: null, differences: [] })
})

test('deleting names what goes with it and wants the name typed', () => {
  const plan = deletePlan(cluster, 'queue', null)
  expect(plan.typed).toBe('web')
  expect(plan.consequences?.[0]).toContain('4 droplets')
})

test('only what differs is sent, with the revision it was read at', () => {
  const draft = { name: 'web', provider: null, region: 'fra1', size: '', image: null }
  expect(changesOf(cluster, draft)).toEqual({ revision: 2, provider: null, region: 'fra1' })
  expect(settingsPlan(cluster, draft, 1, 2).differences.map((one) => one.what)).toEqual([
    'Default provider',
    'Default region',
  ])
})

test('after a clash, what changed is said', () => {
  expect(whatChanged(cluster, { ...cluster, wanted_size: 9, revision: 3 })).toBe('wanted size 4 → 9')
})

test.each([
  ['', 3, false],
  ['   ', 3, false],
  ['x'.repeat(256), 3, false],
  ['a\nb', 3, false],
  ['web', -1, false],
  ['web', 1.5, false],
  ['web', Number.NaN, false],
  ['web', 10_001, false],
  ['<script>alert(1)</script>', 0, true],
  ['Köln 🚀', 10_000, true],
])('a cluster named %j of size %d: %s', (name, wanted_size, good) => {
  expect(clusterForm.safeParse({ name, wanted_size }).success).toBe(good)
})
