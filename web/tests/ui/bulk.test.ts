// @vitest-environment jsdom
import { expect, test } from 'vitest'
import type { Droplet } from '~/droplets/api'
import { destroyBulk } from '~/droplets/bulk'
import type { Job } from '~/jobs/api'
import { fitting, jobsBulk } from '~/jobs/bulk'
import { inParts } from '~/ui/bulk'

const job = (id: string, status: string, asked: string | null = null) =>
  ({ id: `job-${id}`, type: 'noop', status, cancel_requested_at: asked }) as Job
const droplet = (id: string, status: string, cluster: string | null, cost = 1000) =>
  ({ id, name: id, status, cluster_id: cluster, hourly_usd_micros: cost }) as Droplet

test('many are sent in parts, none twice and none left out', () => {
  const all = Array.from({ length: 53 }, (_, at) => at)
  expect(inParts(all).map((part) => part.length)).toEqual([20, 20, 13])
  expect(inParts(all).flat()).toEqual(all)
})

test('only jobs that can be cancelled are sent, and the plan says how many others were selected', () => {
  const jobs = [job('a', 'running'), job('b', 'pending'), job('c', 'completed'), job('d', 'running', '2026-03-02')]
  expect(fitting('cancel', jobs).map((one) => one.id)).toEqual(['job-a', 'job-b'])
  const { plan, ids } = jobsBulk('cancel', jobs)
  expect(ids).toEqual(['job-a', 'job-b'])
  expect(plan.sentence).toContain('2 others')
  expect(plan.danger).toBe(true)
})

test('only jobs that failed or were cancelled are tried again', () => {
  const jobs = [job('a', 'failed'), job('b', 'cancelled'), job('c', 'completed'), job('d', 'running')]
  expect(jobsBulk('retry', jobs).ids).toEqual(['job-a', 'job-b'])
})

test('destroying many says what each cluster loses and what is saved', () => {
  const chosen = [
    droplet('a', 'active', 'web'),
    droplet('b', 'active', 'web'),
    droplet('c', 'lost', 'web'),
    droplet('d', 'deleting', 'web'),
    droplet('e', 'active', null),
  ]
  const { plan, ids } = destroyBulk(chosen)
  expect(ids).toEqual(['a', 'b', 'c', 'e'])
  expect(plan.cost).toEqual({ before: 4000, after: 0 })
  expect(plan.differences).toEqual([{ what: 'Wanted by web', before: '–', after: '2 fewer' }])
})
