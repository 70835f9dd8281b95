// @vitest-environment jsdom
import { beforeEach, expect, test } from 'vitest'
import { linkOf, removeView, saveView, searchOf } from '~/ui/views'

const kept = () => JSON.parse(localStorage.getItem('clustergenie-views') ?? '[]') as { name: string; search: string }[]

beforeEach(() => {
  for (const view of kept()) removeView({ page: '/jobs', ...view })
})

test('a view is the filters and the order, not the page of the list nor what is open over it', () => {
  expect(searchOf({ status: 'failed', page: 3, open: 'x', save: 'y', sort: 'type' })).toBe('?status=failed&sort=type')
})

test('a view of the same name on the same page is replaced', () => {
  saveView({ page: '/jobs', name: ' tonight ', search: '?status=failed' })
  saveView({ page: '/jobs', name: 'tonight', search: '?status=running' })
  expect(kept()).toEqual([{ page: '/jobs', name: 'tonight', search: '?status=running' }])
})

test('a view without a name is none', () => {
  saveView({ page: '/jobs', name: '   ', search: '' })
  expect(kept()).toEqual([])
})

test('a link carries the view and its name, whatever is in them', () => {
  const link = linkOf({ page: '/jobs', name: 'a & b', search: '?status=failed' }, 'https://x/genie')
  const url = new URL(link)
  expect(url.pathname).toBe('/genie/jobs')
  expect(Object.fromEntries(url.searchParams)).toEqual({ status: 'failed', save: 'a & b' })
})
