/** The first visit: trade the token of the setup link for the first key, which is shown this once. */
import { Button, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { meQuery, setUp } from '~/auth/api'
import { Doorway } from '~/auth/LoginPage'
import { Secret } from '~/auth/Secret'
import { tokenIn } from '~/auth/setup'
import { retryNow } from '~/live/stream'
import { ErrorPanel } from '~/ui/ErrorPanel'

export function SetupPage() {
  const [given] = useState(() => tokenIn(location.hash))
  const [typed, setTyped] = useState('')
  const [name, setName] = useState('admin')
  const client = useQueryClient()
  const navigate = useNavigate()
  const token = given || typed.trim()
  const make = useMutation({
    mutationFn: () => setUp(token, name.trim() || 'admin'),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: meQuery().queryKey })
      retryNow.dispatchEvent(new Event('now'))
    },
  })
  useEffect(() => {
    // It works once, but need not stay in the history of the browser either.
    if (location.hash) history.replaceState(history.state, '', location.pathname)
  }, [])

  if (make.data) {
    return (
      <Doorway sentence="You are signed in with it in this browser already." title="Keep your key">
        <Stack gap="md">
          <Secret name={make.data.key.name} secret={make.data.secret} />
          <Button onClick={() => void navigate({ to: '/' })}>I have kept it, go on</Button>
        </Stack>
      </Doorway>
    )
  }
  return (
    <Doorway
      sentence="Make the first key: it may do everything, and makes the keys of others."
      title="Set up ClusterGenie"
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (token && !make.isPending) make.mutate()
        }}
      >
        <Stack gap="md">
          {!given && (
            <TextInput
              autoComplete="one-time-code"
              description="From the link that the server printed when it started."
              label="Setup token"
              onChange={(event) => setTyped(event.currentTarget.value)}
              required
              spellCheck={false}
              value={typed}
            />
          )}
          <TextInput
            autoComplete="off"
            label="Name of the key"
            maxLength={100}
            onChange={(event) => setName(event.currentTarget.value)}
            value={name}
          />
          {make.error && <ErrorPanel compact error={make.error} />}
          <Button disabled={!token} loading={make.isPending} type="submit">
            Make the first key
          </Button>
          <Text c="dimmed" size="xs">
            $ clustergenie auth setup-link
          </Text>
        </Stack>
      </form>
    </Doorway>
  )
}
