/** Short good news, read out and then gone. Errors never come this way: they stay where they happened. */
import { Link } from '@tanstack/react-router'
import { useSyncExternalStore } from 'react'
import { Icon } from '~/ui/Icon'
import classes from './toast.module.css'

interface Toast {
  id: number
  text: string
  to?: string
}

let toasts: Toast[] = []
let next = 1
const listeners = new Set<() => void>()

function change(now: Toast[]): void {
  toasts = now
  for (const listener of listeners) listener()
}

/** Say that something worked; `to` is where to follow it. */
export function toast(text: string, to?: string): void {
  const one = { id: next++, text, to }
  change([...toasts.slice(-2), one])
  setTimeout(() => change(toasts.filter((other) => other !== one)), 6000)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts)
  return (
    <div aria-live="polite" className={classes.toasts} role="status">
      {shown.map((one) => (
        <div className={classes.toast} key={one.id}>
          <Icon name="ok" />
          <span className="cg-any">{one.text}</span>
          {one.to && (
            <Link className="cg-link" to={one.to}>
              Follow
            </Link>
          )}
        </div>
      ))}
    </div>
  )
}
