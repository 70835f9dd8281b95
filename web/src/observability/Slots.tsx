/** The slots of the worker pool: one cell each, filled when at work. */
import { number } from '~/ui/format'
import classes from './Slots.module.css'

const MOST = 64

export function Slots({ busy, slots }: { busy: number; slots: number }) {
  if (slots > MOST) return <span className="cg-num">{number(busy)}</span>
  return (
    <span aria-label={`${busy} of ${slots} slots are busy`} className={classes.slots} role="img">
      {Array.from({ length: slots }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: slots have no other name
        <span className={classes.slot} data-busy={at < busy || undefined} key={at} />
      ))}
      <span className={classes.count}>{busy}</span>
    </span>
  )
}
