/** A failure that stays where it happened: what, why, what to do, the ids to quote, and a way to try again. */
import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { details, explain, Problem } from '~/api/problem'
import { Icon } from '~/ui/Icon'
import { useShown } from '~/ui/shown'
import classes from './ErrorPanel.module.css'

interface Props {
  error: unknown
  onRetry?: () => void
  compact?: boolean
  /** False where this is not the failure's own place. */
  mentioned?: boolean
}

export function ErrorPanel({ error, onRetry, compact = false, mentioned = true }: Props) {
  useShown(mentioned ? error : null)
  const { what, why, fix } = explain(error)
  const problem = error instanceof Problem ? error : null
  return (
    <div className={classes.panel} data-compact={compact || undefined} role="alert">
      <Group gap={8} wrap="nowrap">
        <Icon name="warn" size={18} />
        <Text component="strong" fw={650}>
          {what}
        </Text>
      </Group>
      {why && why !== what && <Text className="cg-any">{why}</Text>}
      <Text c="dimmed" size="sm">
        {fix}
      </Text>
      {problem && problem.errors.length > 0 && (
        <ul className={classes.fields}>
          {problem.errors.map((one) => (
            <li key={`${one.pointer} ${one.detail}`}>
              <span className="cg-mono">{one.pointer || 'body'}</span> {one.detail}
            </li>
          ))}
        </ul>
      )}
      {problem?.requestId && (
        <Text c="dimmed" className="cg-mono">
          request {problem.requestId}
          {problem.traceId && ` · trace ${problem.traceId}`}
        </Text>
      )}
      <Group gap="xs" mt={4}>
        {onRetry && (
          <Button leftSection={<Icon name="retry" />} onClick={onRetry} size="xs" variant="default">
            Try again
          </Button>
        )}
        <CopyDetails text={() => details(error)} />
      </Group>
    </div>
  )
}

function CopyDetails({ text }: { text: () => string }) {
  const [copied, setCopied] = useState(false)
  return (
    <Button
      leftSection={<Icon name={copied ? 'ok' : 'copy'} />}
      onClick={() => copyText(text()).then(setCopied)}
      size="xs"
      variant="subtle"
    >
      {copied ? 'Copied' : 'Copy details'}
    </Button>
  )
}

/** Put text on the clipboard, also where the page is served over plain HTTP and the modern way is missing. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}
