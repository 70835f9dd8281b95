/** A strip of numbers that say how something is. */
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import classes from './Figures.module.css'

/** `flat`: without a frame, inside a panel that has one. */
export function Figures({ children, flat }: { children: ReactNode; flat?: boolean }) {
  return (
    <div className={classes.figures} data-flat={flat || undefined}>
      {children}
    </div>
  )
}

interface FigureProps {
  label: string
  children: ReactNode
  more?: ReactNode
  tone?: 'ok' | 'warn' | 'bad' | 'busy'
  small?: boolean
  wide?: boolean
  to?: string
  search?: Record<string, unknown>
}

export function Figure({ label, children, more, tone, small, wide, to, search }: FigureProps) {
  const inside = (
    <>
      <div className={classes.label}>{label}</div>
      <div className={classes.value} data-small={small || undefined} style={tone && { color: `var(--cg-${tone})` }}>
        {children}
      </div>
      {more && <div className={classes.more}>{more}</div>}
    </>
  )
  if (to) {
    return (
      <Link className={classes.figure} data-wide={wide || undefined} search={search as never} to={to}>
        {inside}
      </Link>
    )
  }
  return (
    <div className={classes.figure} data-wide={wide || undefined}>
      {inside}
    </div>
  )
}
