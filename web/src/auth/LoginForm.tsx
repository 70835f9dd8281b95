/** Sign in with an API key, or with the account of another issuer. Password managers and pasting work. */
import { Button, Divider, PasswordInput, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { serverUrl } from '~/api/client'
import { logIn, type Me, meQuery } from '~/auth/api'
import { retryNow } from '~/live/stream'
import { ErrorPanel } from '~/ui/ErrorPanel'

interface Props {
  me: Me | undefined
  /** Where the other issuer sends the browser back to, below the console; it opens beside the page if `aside`. */
  next: string
  aside?: boolean
  onDone?: () => void
}

export function LoginForm({ me, next, aside = false, onDone }: Props) {
  const [key, setKey] = useState('')
  const client = useQueryClient()
  const login = useMutation({
    mutationFn: () => logIn(key.trim()),
    onSuccess: (now) => {
      client.setQueryData(meQuery().queryKey, now)
      retryNow.dispatchEvent(new Event('now'))
      void client.invalidateQueries({ predicate: (query) => query.queryKey[1] !== 'me' })
      onDone?.()
    },
  })
  return (
    <Stack gap="md">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (key.trim() !== '' && !login.isPending) login.mutate()
        }}
      >
        <Stack gap="md">
          <input autoComplete="username" hidden readOnly type="text" value="clustergenie" />
          <PasswordInput
            autoComplete="current-password"
            data-autofocus
            label="API key"
            name="key"
            onChange={(event) => setKey(event.currentTarget.value)}
            placeholder="cg_…"
            spellCheck={false}
            value={key}
            visibilityToggleButtonProps={{ 'aria-label': 'Show the key' }}
          />
          {login.error && <ErrorPanel compact error={login.error} />}
          <Button disabled={key.trim() === ''} fullWidth loading={login.isPending} type="submit">
            Sign in
          </Button>
        </Stack>
      </form>
      {me?.oidc.enabled && (
        <>
          <Divider label="or" />
          <Button
            component="a"
            fullWidth
            href={`${serverUrl()}/api/v1/auth/oidc/login?next=${encodeURIComponent(next)}`}
            target={aside ? '_blank' : undefined}
            variant="default"
          >
            Sign in with {me.oidc.name || 'single sign-on'}
          </Button>
        </>
      )}
      {me?.setup_needed && (
        <Text c="dimmed" size="sm">
          There is no key yet. The server printed a setup link when it started; where it runs,{' '}
          <code className="cg-mono">clustergenie auth setup-link</code> makes another.
        </Text>
      )}
    </Stack>
  )
}
