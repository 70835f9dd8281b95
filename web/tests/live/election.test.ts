// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { byLease } from '~/live/election'

beforeEach(() => {
  localStorage.clear()
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

test('without Web Locks one tab leads, and another follows when it leaves', () => {
  const reigns: string[] = []
  const join = (who: string) =>
    byLease('live', () => {
      reigns.push(who)
      return () => reigns.push(`${who} left`)
    })
  const leaveA = join('a')
  const leaveB = join('b')
  vi.advanceTimersByTime(20_000)
  expect(reigns).toEqual(['a'])
  leaveA()
  vi.advanceTimersByTime(2_100)
  expect(reigns).toEqual(['a', 'a left', 'b'])
  leaveB()
})

test('a tab that died without a word is followed when its lease runs out', () => {
  localStorage.setItem('live', JSON.stringify({ who: 'dead', until: Date.now() + 6000 }))
  let leads = false
  const leave = byLease('live', () => {
    leads = true
    return () => undefined
  })
  expect(leads).toBe(false)
  vi.advanceTimersByTime(8000)
  expect(leads).toBe(true)
  leave()
})
