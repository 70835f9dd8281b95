import { expect, test } from 'vitest'
import type { EventRecord } from '~/events/api'
import { stepsOf } from '~/jobs/timeline'

const event = (id: number, type: string, message: string): EventRecord =>
  ({ id, type, message, timestamp: new Date(id * 1000).toISOString(), progress: null }) as EventRecord

test('what is said of many droplets is one step, oldest first, with each of them inside', () => {
  const steps = stepsOf([
    event(4, 'job_completed', 'completed'),
    event(3, 'droplet_active', 'web-2 active: its agent reports'),
    event(2, 'droplet_active', 'web-1 active: its agent reports'),
    event(1, 'job_started', 'started'),
  ])
  expect(steps.map((step) => step.title)).toEqual(['started', '2 droplets active: its agent reports', 'completed'])
  expect(steps[1]?.parts).toHaveLength(2)
  expect(steps.map((step) => step.after)).toEqual([0, 1, 2])
})

test('different news of droplets are not thrown together', () => {
  const steps = stepsOf([
    event(1, 'droplet_updated', 'a provisioning: ordered'),
    event(2, 'droplet_updated', 'b failed: no room'),
  ])
  expect(steps).toHaveLength(2)
})
