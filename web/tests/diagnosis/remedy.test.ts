import { expect, test } from 'vitest'
import type { Cluster } from '~/clusters/api'
import type { Finding } from '~/diagnosis/api'
import { acts, lookAt, remedyPlan } from '~/diagnosis/remedy'

const cluster = { id: 'cluster-1', wanted_size: 3, size: 'small' } as Cluster
const finding = (method: string, path: string, body: unknown = null) =>
  ({
    title: 't',
    remedy: { action: 'a', command: 'clustergenie x y', dry_run: 'would', api: { method, path, body } },
  }) as Finding

test('a remedy that only reads leads to the page that shows it', () => {
  expect(lookAt(finding('GET', '/api/v1/jobs/job-1/attempts').remedy)).toEqual({ to: '/jobs/job-1' })
  expect(lookAt(finding('GET', '/api/v1/droplets/droplet-1').remedy)).toEqual({
    to: '/droplets',
    search: { open: 'droplet-1' },
  })
  expect(lookAt(finding('GET', '/api/v1/events?cluster_id=c&type=droplet_lost').remedy)).toEqual({
    to: '/events',
    search: { cluster: 'c', type: 'droplet_lost' },
  })
  expect(acts(finding('GET', '/api/v1/health/c').remedy)).toBe(false)
})

test('scaling up shows the size and the cost it leads to', () => {
  const body = { type: 'scale', parameters: { cluster_id: 'cluster-1', action: 'scale_up', by: 2 } }
  const plan = remedyPlan(finding('POST', '/api/v1/jobs', body), cluster, 10)
  expect(plan.differences).toEqual([{ what: 'Wanted size', before: 3, after: 5 }])
  expect(plan.cost).toEqual({ before: 30, after: 50 })
  expect(plan.request).toEqual({ method: 'POST', path: '/jobs', body, cli: ['x', 'y'] })
})

test('a larger default size changes no price of what runs', () => {
  const plan = remedyPlan(finding('PUT', '/api/v1/clusters/cluster-1', { size: 'large' }), cluster, 10)
  expect(plan.differences).toEqual([{ what: 'Default size', before: 'small', after: 'large' }])
  expect(plan.cost).toBeNull()
})
