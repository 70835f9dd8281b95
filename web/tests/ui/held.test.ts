// @vitest-environment jsdom
import { renderHook } from '@testing-library/react'
import { expect, test } from 'vitest'
import { hold, useHeld } from '~/ui/held'

const keyOf = (row: { id: string }): string => row.id
const rows = (...ids: string[]) => ids.map((id) => ({ id, v: 0 }))

test('rows change in place, new ones wait, and those that went stay where they were', () => {
  const known = new Map(rows('a', 'b').map((row) => [row.id, row]))
  const fresh = [
    { id: 'c', v: 1 },
    { id: 'b', v: 1 },
  ]
  const held = hold(['a', 'b'], known, fresh, keyOf)
  expect(held.rows).toEqual([
    { id: 'a', v: 0 },
    { id: 'b', v: 1 },
  ])
  expect(held.waiting).toBe(1)
  expect([...held.gone]).toEqual(['a'])
})

test('another page shows its own rows at once, the same page waits to be asked', () => {
  const first = { view: 'p1', fresh: rows('b', 'a') }
  const { result, rerender } = renderHook(({ view, fresh }) => useHeld(view, fresh, true, keyOf), {
    initialProps: first,
  })
  expect(result.current.rows.map(keyOf)).toEqual(['b', 'a'])
  rerender({ view: 'p1', fresh: rows('c', 'b', 'a') })
  expect(result.current.rows.map(keyOf)).toEqual(['b', 'a'])
  expect(result.current.waiting).toBe(1)
  rerender({ view: 'p2', fresh: rows('x') })
  expect(result.current.rows.map(keyOf)).toEqual(['x'])
})
