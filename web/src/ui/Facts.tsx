/** Names and values, one below the other. */
import type { ReactNode } from 'react'
import classes from './Facts.module.css'

export type Fact = [name: string, value: ReactNode] | null | false | undefined

export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl className={classes.facts}>
      {facts.map((fact) =>
        fact ? (
          <div className={classes.fact} key={fact[0]}>
            <dt>{fact[0]}</dt>
            <dd>{fact[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  )
}

/** A JSON value to read and to copy; never as HTML. */
export function Json({ value, label }: { value: unknown; label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by key
    <pre className={classes.json} tabIndex={0} title={label}>
      {JSON.stringify(value, null, 2)}
    </pre>
  )
}
