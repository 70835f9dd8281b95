import { expect, test } from 'vitest'
import type { Schedule } from '~/schedules/api'
import { draftOf, specOfDraft } from '~/schedules/draft'

const FRESH = { ...draftOf(undefined), name: 'nightly', time_zone: 'UTC' }

test('what is missing makes no request', () => {
  expect(specOfDraft({ ...FRESH, name: ' ' }).spec).toBeNull()
  expect(specOfDraft({ ...FRESH, cron: '' }).spec).toBeNull()
})

test('parameters are read line by line, as numbers, truth values or text', () => {
  const draft = {
    ...FRESH,
    cluster: 'cluster-1',
    parameters: 'target_size=5\n action = scale_up \n\nforce=true\nid=007x',
  }
  expect(specOfDraft(draft).spec?.parameters).toEqual({
    cluster_id: 'cluster-1',
    target_size: 5,
    action: 'scale_up',
    force: true,
    id: '007x',
  })
  expect(specOfDraft({ ...FRESH, parameters: 'nonsense' })).toEqual({
    spec: null,
    wrong: '“nonsense” is not name=value.',
  })
})

test('a schedule that is opened and saved unchanged is sent as it was', () => {
  const schedule = {
    name: 'x',
    type: 'scale',
    cron: '* * * * *',
    time_zone: 'Europe/Berlin',
    misfire: 'skip',
    paused: true,
    version: 4,
    parameters: { cluster_id: 'cluster-1', target_size: 5 },
  } as unknown as Schedule
  const { spec } = specOfDraft(draftOf(schedule), schedule.version)
  expect(spec).toEqual(schedule)
})
