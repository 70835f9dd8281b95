/** A secret that is shown this once: to copy, and to use. */
import { Alert, Button, Group, Stack } from '@mantine/core'
import { useState } from 'react'
import { serverUrl } from '~/api/client'
import { copyText } from '~/ui/ErrorPanel'
import { Icon } from '~/ui/Icon'
import { shell } from '~/ui/request'
import classes from './Secret.module.css'

export function Secret({ name, secret }: { name: string; secret: string }) {
  const [copied, setCopied] = useState(false)
  return (
    <Stack gap="sm">
      <Alert color="orange" icon={<Icon name="warn" />} title="Copy it now">
        This is the only time the secret of “{name}” is shown; only its hash is kept. Put it into a password manager.
      </Alert>
      <Group gap={8} wrap="nowrap">
        <code className={classes.secret}>{secret}</code>
        <Button
          leftSection={<Icon name={copied ? 'ok' : 'copy'} />}
          onClick={() => void copyText(secret).then(setCopied)}
          style={{ flex: 'none' }}
          variant="light"
        >
          <span aria-live="polite">{copied ? 'Copied' : 'Copy'}</span>
        </Button>
      </Group>
      <pre className={classes.use}>
        {`curl -H 'Authorization: Bearer …' ${shell(`${serverUrl()}/api/v1/clusters`)}`}
      </pre>
    </Stack>
  )
}
