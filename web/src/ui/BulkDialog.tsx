/** One act on many things: the plan and its cost, the confirmation, how far it is, and what each refused one said. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useRef, useState } from 'react'
import type { Schemas } from '~/api/client'
import { type Bulk, inParts } from '~/ui/bulk'
import { Cost, Differences } from '~/ui/ChangeDialog'
import { CopyMenu } from '~/ui/CopyMenu'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { plural } from '~/ui/format'
import { noteOwnChange } from '~/ui/held'
import { Icon } from '~/ui/Icon'
import classes from './ChangeDialog.module.css'

type Item = Schemas['BulkItem']

interface BulkDialogProps {
  bulk: Bulk
  onClose: () => void
  /** Called as parts are done, and at the end. */
  onChanged: () => void
}

/** Works through the things part by part; what was done so far stays listed when a part fails. */
function useParts(bulk: Bulk, onChanged: () => void) {
  const [results, setResults] = useState<Item[]>([])
  const [running, setRunning] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const stopped = useRef(false)
  async function run(which: string[]): Promise<void> {
    stopped.current = false
    setRunning(true)
    setError(null)
    setResults((old) => old.filter((one) => !which.includes(one.id)))
    try {
      for (const part of inParts(which)) {
        if (stopped.current) break
        noteOwnChange()
        const reply = await bulk.call(part)
        setResults((old) => [...old, ...reply.results])
        onChanged()
      }
    } catch (problem) {
      setError(problem)
    }
    setRunning(false)
  }

  const stop = () => {
    stopped.current = true
  }
  return { results, running, error, run, stop }
}

export default function BulkDialog({ bulk, onClose, onChanged }: BulkDialogProps) {
  const { results, running, error, run, stop } = useParts(bulk, onChanged)
  const { plan, ids } = bulk
  const begun = running || results.length > 0 || error !== null
  const failed = results.filter((one) => !one.done)
  const rest = [...ids.filter((id) => !results.some((one) => one.id === id)), ...failed.map((one) => one.id)]

  return (
    <Modal closeOnClickOutside={!running} onClose={onClose} opened size="lg" title={plan.title}>
      <Stack gap="md">
        <Text component="div" size="sm">
          {plan.sentence}
        </Text>
        {begun ? <Progress all={ids.length} results={results} /> : <Before bulk={bulk} />}
        {failed.length > 0 && (
          <ul className={classes.failures}>
            {failed.map((one) => (
              <li key={one.id}>
                <strong className="cg-any">{bulk.nameOf(one.id)}</strong> <span className="cg-any">{one.message}</span>
              </li>
            ))}
          </ul>
        )}
        {error ? <ErrorPanel compact error={error} /> : null}
        <Group justify="space-between">
          <CopyMenu request={plan.request} />
          <Group gap={8}>
            {running ? (
              <Button onClick={stop} variant="default">
                Stop after this part
              </Button>
            ) : (
              <Button onClick={onClose} variant="default">
                {begun ? 'Close' : 'Keep as it is'}
              </Button>
            )}
            {!running && begun && rest.length > 0 && (
              <Button leftSection={<Icon name="retry" />} onClick={() => void run(rest)}>
                Try {plural(rest.length, 'that is left', 'that are left')}
              </Button>
            )}
            {!begun && (
              <Button color={plan.danger ? 'red' : undefined} data-autofocus onClick={() => void run(ids)}>
                {plan.confirm}
              </Button>
            )}
          </Group>
        </Group>
      </Stack>
    </Modal>
  )
}

const FEW = 8

function Before({ bulk }: { bulk: Bulk }) {
  const { differences, cost, consequences = [] } = bulk.plan
  const names = bulk.ids.map(bulk.nameOf)
  return (
    <>
      <Differences rows={differences} />
      <Cost cost={cost} />
      {consequences.length > 0 && (
        <ul className={classes.consequences}>
          {consequences.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      )}
      <Text c="dimmed" className="cg-any" size="sm">
        {names.slice(0, FEW).join(', ')}
        {names.length > FEW && ` and ${names.length - FEW} more`}
      </Text>
    </>
  )
}

function Progress({ all, results }: { all: number; results: Item[] }) {
  const done = results.filter((one) => one.done).length
  return (
    <div>
      <div
        aria-label="Progress"
        aria-valuemax={all}
        aria-valuemin={0}
        aria-valuenow={results.length}
        className={classes.track}
        role="progressbar"
      >
        <span style={{ width: `${(100 * done) / all}%` }} />
        <span data-failed style={{ width: `${(100 * (results.length - done)) / all}%` }} />
      </div>
      <Text aria-live="polite" className="cg-num" mt={6} size="sm">
        {results.length} of {all}: {done} done, {results.length - done} refused
      </Text>
    </div>
  )
}
