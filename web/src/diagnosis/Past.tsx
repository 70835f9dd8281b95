/** Earlier diagnoses of a cluster. */
import { Text } from '@mantine/core'
import type { Schemas } from '~/api/client'
import { Panel } from '~/ui/Panel'
import { Status } from '~/ui/Status'
import { Ago } from '~/ui/Time'
import classes from './Past.module.css'

interface Props {
  past: Schemas['DiagnosisLine'][] | undefined
  shown: string
  onOpen: (id: string) => void
}

export function Past({ past, shown, onOpen }: Props) {
  return (
    <Panel flush title="Earlier diagnoses">
      {past?.length === 0 && (
        <Text c="dimmed" p="md" size="sm">
          None yet.
        </Text>
      )}
      <ul className={classes.past}>
        {past?.map((one) => (
          <li key={one.id}>
            <button
              aria-current={one.id === shown || undefined}
              className={classes.line}
              onClick={() => onOpen(one.id)}
              type="button"
            >
              <Status status={one.severity} />
              <span className={classes.summary}>{one.summary}</span>
              <Ago at={one.created_at} />
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
