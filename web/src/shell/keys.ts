/** Listen for the keys of commands, one after the other, and for those that move between rows. */
import { useEffect } from 'react'
import { preferences } from '~/settings/preferences'
import type { Command } from '~/shell/commands'

const PATIENCE = 1200

/** What was pressed, as commands write it: `mod+k`, `?`, `g`. */
export function keyOf(
  event: Pick<KeyboardEvent, 'key' | 'metaKey' | 'ctrlKey' | 'altKey'> & { shiftKey?: boolean },
): string {
  if (event.altKey) return ''
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (event.metaKey || event.ctrlKey) return `mod+${key}`
  return event.shiftKey && /^[a-z]$/.test(key) ? `shift+${key}` : key
}

/** The command that these keys complete, if one does, and whether they begin one. */
export function match(commands: Command[], pressed: string[]): { found?: Command; begun: boolean } {
  const found = commands.find((one) => one.keys?.join(' ') === pressed.join(' '))
  const begun = commands.some(
    (one) => one.keys && one.keys.length > pressed.length && pressed.every((key, at) => one.keys?.[at] === key),
  )
  return { found, begun }
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input, textarea, select, [role=combobox]') !== null)
  )
}

function isCovered(): boolean {
  return document.querySelector('[role=dialog], [role=menu]') !== null
}

/** Focus the next row's link, or the one before. */
export function moveRow(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('[data-row]')]
  if (links.length === 0) return
  const now = links.indexOf(document.activeElement as HTMLElement)
  const next = now < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(now + by, 0), links.length - 1)
  links[next]?.focus()
  links[next]?.scrollIntoView({ block: 'nearest' })
}

/** Choose the row that has the focus, or the first one; with `range`, from the row that was chosen last to it. */
export function chooseRow(range: boolean): void {
  if (!document.activeElement?.closest('tr')) moveRow(1)
  const box = document.activeElement?.closest('tr')?.querySelector<HTMLElement>('input[data-choose]')
  box?.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, shiftKey: range }))
}

/** Go to the next row and choose it as well. */
function extend(by: 1 | -1): void {
  const before = document.activeElement?.closest('tr')
  const box = before?.querySelector<HTMLInputElement>('input[data-choose]')
  if (box && !box.checked) chooseRow(false)
  moveRow(by)
  if (document.activeElement?.closest('tr') !== before) chooseRow(true)
}

const MOVES: Record<string, () => void> = {
  j: () => moveRow(1),
  k: () => moveRow(-1),
  x: () => chooseRow(false),
  'shift+x': () => chooseRow(true),
  'shift+j': () => extend(1),
  'shift+k': () => extend(-1),
  Escape: () => document.querySelector<HTMLElement>('[data-clear-choice]')?.click(),
  '/': () => document.querySelector<HTMLElement>('main input[type=search]')?.focus(),
}

/** Keys as they come in: what was pressed lately, and what to do about the next one. */
export class Keyboard {
  private pressed: string[] = []
  private last = 0

  constructor(private readonly commands: Command[]) {}

  /** What this key does, at this moment in milliseconds; undefined: nothing, or nothing yet. */
  press(key: string, now: number): (() => void) | undefined {
    if (now - this.last > PATIENCE) this.pressed = []
    this.last = now
    this.pressed = [...this.pressed, key]
    const { found, begun } = match(this.commands, this.pressed)
    const first = this.pressed.length === 1
    if (found || !begun) this.pressed = []
    return found?.run ?? (first && !begun ? MOVES[key] : undefined)
  }
}

const MODIFIERS = ['Shift', 'Control', 'Meta', 'Alt']

function isMeant(key: string, event: KeyboardEvent): boolean {
  if (key === '' || event.defaultPrevented || MODIFIERS.includes(event.key)) return false
  return key.startsWith('mod+') || (preferences().singleKeys && !isTyping(event.target) && !isCovered())
}

export function useKeys(commands: Command[]): void {
  useEffect(() => {
    const keyboard = new Keyboard(commands)

    function onKey(event: KeyboardEvent): void {
      const key = keyOf(event)
      const act = isMeant(key, event) ? keyboard.press(key, Date.now()) : undefined
      if (!act) return
      event.preventDefault()
      act()
    }

    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [commands])
}
