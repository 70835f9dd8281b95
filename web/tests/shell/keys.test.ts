import { expect, test } from 'vitest'
import { commandsFor, type Hands } from '~/shell/commands'
import { Keyboard, keyOf } from '~/shell/keys'

function keyboard() {
  const done: string[] = []
  const hands: Hands = {
    go: (to) => done.push(to),
    openPalette: () => done.push('palette'),
    openSheet: () => done.push('sheet'),
    setScheme: () => undefined,
    setZone: () => undefined,
  }
  const commands = commandsFor(hands)
  return { done, commands, keys: new Keyboard(commands) }
}

test('g then a letter goes to a page; after a pause it does not', () => {
  const { done, keys } = keyboard()
  keys.press('g', 0)?.()
  keys.press('c', 500)?.()
  expect(done).toEqual(['/clusters'])
  keys.press('g', 10_000)?.()
  keys.press('c', 20_000)?.()
  expect(done).toEqual(['/clusters'])
})

test('the palette opens with the key of either system', () => {
  const { done, keys } = keyboard()
  keys.press(keyOf({ key: 'k', metaKey: true, ctrlKey: false, altKey: false }), 0)?.()
  keys.press(keyOf({ key: 'K', metaKey: false, ctrlKey: true, altKey: false }), 1)?.()
  expect(done).toEqual(['palette', 'palette'])
})

test('no two commands share their keys, and none begins another', () => {
  const all = keyboard().commands.flatMap((one) => (one.keys ? [one.keys.join(' ')] : []))
  expect(new Set(all).size).toBe(all.length)
  for (const keys of all) expect(all.filter((other) => other.startsWith(`${keys} `))).toEqual([])
})

test('Shift makes another key of a letter, and none of a sign', () => {
  const pressed = { metaKey: false, ctrlKey: false, altKey: false, shiftKey: true }
  expect(keyOf({ ...pressed, key: 'J' })).toBe('shift+j')
  expect(keyOf({ ...pressed, key: '?' })).toBe('?')
  expect(keyOf({ ...pressed, key: 'K', ctrlKey: true })).toBe('mod+k')
})
