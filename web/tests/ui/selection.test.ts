import { expect, test } from 'vitest'
import { chosenAfter } from '~/ui/selection'

const rows = new Map(['a', 'b', 'c', 'd'].map((key) => [key, key.toUpperCase()]))
const none = { chosen: new Map<string, string>(), anchor: null }
const keys = (kept: { chosen: ReadonlyMap<string, string> }) => [...kept.chosen.keys()]

test('a click chooses a row, and another click lets it go', () => {
  const once = chosenAfter(none, rows, 'b', false)
  expect(keys(once)).toEqual(['b'])
  expect(keys(chosenAfter(once, rows, 'b', false))).toEqual([])
})

test('a range goes from the row that was touched last, in either direction', () => {
  const anchored = chosenAfter(none, rows, 'b', false)
  expect(keys(chosenAfter(anchored, rows, 'd', true)).sort()).toEqual(['b', 'c', 'd'])
  expect(keys(chosenAfter(anchored, rows, 'a', true)).sort()).toEqual(['a', 'b'])
})

test('a range becomes what its last row becomes', () => {
  const all = { chosen: new Map(rows), anchor: 'a' }
  expect(keys(chosenAfter(all, rows, 'c', true))).toEqual(['d'])
})

test('a range whose start has left the page is one row', () => {
  expect(keys(chosenAfter({ chosen: new Map(), anchor: 'gone' }, rows, 'c', true))).toEqual(['c'])
})
