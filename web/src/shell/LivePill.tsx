/** Says whether what is shown is what is: Live, Reconnecting, or how long it has been stale. */
import { Tooltip } from '@mantine/core'
import { useFeedState } from '~/live/live'
import type { Connection } from '~/live/stream'
import { duration } from '~/ui/format'
import { useNow } from '~/ui/Time'
import classes from './Shell.module.css'

const STALE_AFTER = 10

const MORE: Record<Connection, string> = {
  live: 'Changes appear as they happen.',
  connecting: 'The event stream is being opened.',
  reconnecting: 'The event stream is being opened again. Nothing will be missed.',
  polling: 'The event stream does not answer. The page asks every 15 s and keeps trying to reconnect.',
}

/** What the pill says, and its colour, for a connection that has been as it is for so many seconds. */
export function pillOf(connection: Connection, seconds: number): { text: string; tone: 'ok' | 'warn' | 'bad' } {
  if (connection === 'live') return { text: 'Live', tone: 'ok' }
  if (seconds >= STALE_AFTER) return { text: `Stale ${duration(seconds)}`, tone: 'bad' }
  return { text: connection === 'connecting' ? 'Connecting' : 'Reconnecting', tone: 'warn' }
}

export function LivePill() {
  const { connection, since } = useFeedState()
  const age = useNow(() => (connection === 'live' ? 0 : Math.floor((Date.now() - since) / 1000)))
  const { text, tone } = pillOf(connection, age)
  return (
    <Tooltip label={MORE[connection]} multiline w={240}>
      <button className={classes.pill} style={{ '--tone': `var(--cg-${tone})` } as React.CSSProperties} type="button">
        <span className={classes.dot} />
        <span aria-live="polite">{text}</span>
      </button>
    </Tooltip>
  )
}
