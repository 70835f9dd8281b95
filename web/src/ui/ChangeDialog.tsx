/** Every change in four steps on one sheet: the plan, what differs, what it costs, and the confirmation. */
import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { CopyMenu } from '~/ui/CopyMenu'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { dollars, perHour, perMonth } from '~/ui/format'
import { Icon } from '~/ui/Icon'
import type { Request } from '~/ui/request'
import classes from './ChangeDialog.module.css'

export interface Difference {
  what: string
  before: ReactNode
  after: ReactNode
}

export interface Plan {
  title: string
  sentence: ReactNode
  differences: Difference[]
  /** Micro-dollars an hour; null when no price is known. */
  cost: { before: number; after: number } | null
  /** What goes with it, and will not come back. */
  consequences?: string[]
  confirm: string
  danger?: boolean
  /** Must be typed to confirm: only where data or many things are lost. */
  typed?: string
  request: Request
}

interface ChangeDialogProps {
  plan: Plan | null
  onConfirm: () => void
  onClose: () => void
  busy: boolean
  error: unknown
  /** Said above the plan when it is no longer what was asked for, for instance after a 409. */
  stale?: ReactNode
  children?: ReactNode
  valid?: boolean
}

export function ChangeDialog({
  plan,
  onConfirm,
  onClose,
  busy,
  error,
  stale,
  children,
  valid = true,
}: ChangeDialogProps) {
  const [typed, setTyped] = useState('')
  const confirmed = !plan?.typed || typed === plan.typed
  return (
    <Modal onClose={onClose} opened={plan !== null} size="lg" title={plan?.title}>
      {plan && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (valid && confirmed && !busy) onConfirm()
          }}
        >
          <Stack gap="md">
            {stale && (
              <Alert color="orange" icon={<Icon name="warn" />} title="It changed meanwhile">
                {stale}
              </Alert>
            )}
            {children}
            <Text component="div" size="sm">
              {plan.sentence}
            </Text>
            <Differences rows={plan.differences} />
            <Cost cost={plan.cost} />
            {plan.consequences && plan.consequences.length > 0 && (
              <ul className={classes.consequences}>
                {plan.consequences.map((one) => (
                  <li key={one}>{one}</li>
                ))}
              </ul>
            )}
            {plan.typed && (
              <TextInput
                autoComplete="off"
                data-autofocus
                label={`Type ${plan.typed} to confirm`}
                onChange={(event) => setTyped(event.currentTarget.value)}
                value={typed}
              />
            )}
            {error ? <ErrorPanel compact error={error} /> : null}
            <Group justify="space-between">
              <CopyMenu request={plan.request} />
              <Group gap={8}>
                <Button onClick={onClose} variant="default">
                  Keep as it is
                </Button>
                <Button
                  color={plan.danger ? 'red' : undefined}
                  disabled={!valid || !confirmed}
                  loading={busy}
                  type="submit"
                >
                  {plan.confirm}
                </Button>
              </Group>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  )
}

export function Differences({ rows }: { rows: Difference[] }) {
  if (rows.length === 0) {
    return (
      <Text c="dimmed" size="sm">
        Nothing differs from what is there.
      </Text>
    )
  }
  return (
    <table className={classes.diff}>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Now</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.what}>
            <th scope="row">{row.what}</th>
            <td className={classes.before}>{row.before}</td>
            <td className={classes.after}>{row.after}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

export function Cost({ cost }: { cost: Plan['cost'] }) {
  if (cost === null) return null
  const delta = cost.after - cost.before
  const sign = delta > 0 ? '+' : ''
  return (
    <div className={classes.cost}>
      <span>Cost</span>
      <span className="cg-num">
        {perHour(cost.before)} → <strong>{perHour(cost.after)}</strong>
        {delta !== 0 && (
          <>
            {' '}
            ({sign}
            {dollars(delta)}/h, {perMonth(cost.after)})
          </>
        )}
      </span>
    </div>
  )
}
