/** A cron expression in words, and the next five moments, by its own clock and by this person's. */
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { explain } from '~/api/problem'
import { schedulePreview } from '~/schedules/api'
import { usePreferences } from '~/settings/preferences'
import { absolute } from '~/ui/format'
import { Icon } from '~/ui/Icon'
import { Ago } from '~/ui/Time'
import classes from './Preview.module.css'

export function Preview({ cron, zone }: { cron: string; zone: string }) {
  const { zone: mine } = usePreferences()
  const query = useQuery(schedulePreview(cron, zone))
  return (
    <div aria-live="polite" className={classes.preview}>
      {query.error && (
        <Text c="var(--mantine-color-error)" size="sm">
          <Icon name="warn" /> {explain(query.error).why}
        </Text>
      )}
      {query.data && !query.error && (
        <>
          <Text fw={600} size="sm">
            {query.data.words}, {zone}
          </Text>
          {query.data.slots.length === 0 && <Text size="sm">No such moment comes.</Text>}
          <ol>
            {query.data.slots.map((slot) => (
              <li key={slot}>
                <span className="cg-num">{inZone(slot, zone)}</span>
                <span className="cg-dim">{absolute(slot, mine)}</span>
                <Ago at={slot} />
              </li>
            ))}
          </ol>
        </>
      )}
    </div>
  )
}

/** "Tue 24 Nov, 03:00" by the clock of that zone; a zone that this browser does not know is told in UTC. */
function inZone(slot: string, zone: string): string {
  const format: Intl.DateTimeFormatOptions = {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }
  try {
    return new Intl.DateTimeFormat('en-GB', { ...format, timeZone: zone }).format(new Date(slot))
  } catch {
    return `${new Intl.DateTimeFormat('en-GB', { ...format, timeZone: 'UTC' }).format(new Date(slot))} UTC`
  }
}
