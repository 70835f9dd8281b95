// @vitest-environment jsdom
import { expect, test } from 'vitest'
import { changesOf, inShort, pageOf } from '~/auth/audit'

test('only what differs is told, by its path', () => {
  const before = { name: 'web', grants: [{ role: 'viewer' }], same: 1 }
  const after = { name: 'api', grants: [{ role: 'admin' }], same: 1, more: null }
  expect(changesOf(before, after)).toEqual([
    { path: 'name', before: 'web', after: 'api' },
    { path: 'grants.0.role', before: 'viewer', after: 'admin' },
    { path: 'more', before: '–', after: 'null' },
  ])
})

test('what was made or ended is told as a whole; what changed nothing, as nothing', () => {
  expect(changesOf(null, { a: 1 })).toEqual([{ path: 'a', before: '–', after: '1' }])
  expect(changesOf({ a: 1 }, null)).toEqual([{ path: 'a', before: '1', after: '–' }])
  expect(changesOf(null, null)).toEqual([])
  expect(changesOf({ list: [] }, { list: ['x'] })).toEqual([
    { path: 'list', before: '[]', after: '–' },
    { path: 'list.0', before: '–', after: 'x' },
  ])
})

test('a line holds the first two changes and says how many more there are', () => {
  const changes = ['a', 'b', 'c'].map((path) => ({ path, before: '1', after: '2' }))
  expect(inShort(changes)).toBe('a 1 → 2, b 1 → 2, and 1 more')
})

test('what was acted on leads to its page', () => {
  expect(pageOf('job-1')).toEqual({ to: '/jobs/job-1' })
  expect(pageOf('droplet-1')).toEqual({ to: '/droplets', search: { open: 'droplet-1' } })
  expect(pageOf('jobs_create:user')).toBeUndefined()
})
