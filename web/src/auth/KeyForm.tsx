/** Make a key, or change what it may do. The secret of a new one is shown once. */
import { Alert, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { fieldOf, Problem } from '~/api/problem'
import { serverNow } from '~/api/server'
import { changeKey, createKey, type Key, type KeySpec, logIn, meQuery } from '~/auth/api'
import { GrantLine } from '~/auth/GrantLine'
import { NewSecret } from '~/auth/KeyActs'
import { draftOfKey, type GrantDraft, LIVES, specOfKey } from '~/auth/keydraft'
import { CopyMenu } from '~/ui/CopyMenu'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { noteOwnChange } from '~/ui/held'
import { Icon } from '~/ui/Icon'
import { toast } from '~/ui/toast'

export default function KeyForm({ edited, onClose }: { edited?: Key; onClose: () => void }) {
  const first = useQuery(meQuery()).data?.loopback === true
  const [draft, setDraft] = useState(() => draftOfKey(edited, first))
  const client = useQueryClient()
  const spec = specOfKey(draft, serverNow(), edited)
  const save = useMutation({
    mutationFn: async (body: KeySpec) => {
      if (!edited) {
        const made = await createKey(body)
        // Without a session this browser would be shut out by what it has just made.
        if (first) await logIn(made.secret)
        return made
      }
      return { ...(await changeKey(edited.id, body)), secret: '' }
    },
    onSuccess: ({ key, secret }) => {
      noteOwnChange()
      if (secret) return
      toast(`Key ${key.name} changed`)
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['auth'] }),
  })
  const errors = save.error instanceof Problem ? save.error.errors : []
  const said = (name: string) => errors.find((one) => fieldOf(one.pointer).startsWith(name))?.detail
  if (save.data?.secret) {
    return <NewSecret name={save.data.key.name} onClose={onClose} secret={save.data.secret} />
  }
  const setGrant = (line: number, change: Partial<GrantDraft>) =>
    setDraft({ ...draft, grants: draft.grants.map((one) => (one.line === line ? { ...one, ...change } : one)) })
  const next = Math.max(0, ...draft.grants.map((one) => one.line)) + 1

  return (
    <Modal onClose={onClose} opened size="lg" title={edited ? `Change ${edited.name}` : 'Create key'}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (spec) save.mutate(spec)
        }}
      >
        <Stack gap="md">
          {first && (
            <Alert color="orange" icon={<Icon name="warn" />} title="This is the first key">
              Up to now whoever is on this machine may do everything. From this key on nobody may without one, programs
              and the command line included. This browser is signed in with it at once.
            </Alert>
          )}
          <Group align="flex-start" grow>
            <TextInput
              autoComplete="off"
              data-autofocus
              description="Whose it is: a person or a program."
              error={said('name')}
              label="Name"
              maxLength={100}
              onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
              placeholder="ci"
              required
              value={draft.name}
            />
            <Select
              allowDeselect={false}
              data={edited?.expires_at ? [{ value: 'keep', label: 'As it is' }, ...LIVES] : LIVES}
              description="It is refused from then on."
              error={said('expires_at')}
              label="Expires"
              onChange={(value) => setDraft({ ...draft, expires: value ?? 'never' })}
              value={draft.expires}
            />
          </Group>
          {draft.grants.map((grant) => (
            <GrantLine
              grant={grant}
              key={grant.line}
              onChange={(change) => setGrant(grant.line, change)}
              onRemove={
                draft.grants.length > 1
                  ? () => setDraft({ ...draft, grants: draft.grants.filter((one) => one !== grant) })
                  : undefined
              }
            />
          ))}
          {said('grants') && (
            <Text c="var(--mantine-color-error)" size="sm">
              {said('grants')}
            </Text>
          )}
          <Group>
            <Button
              leftSection={<Icon name="plus" />}
              onClick={() =>
                setDraft({ ...draft, grants: [...draft.grants, { line: next, role: 'viewer', clusters: [] }] })
              }
              size="compact-sm"
              variant="subtle"
            >
              Another role
            </Button>
          </Group>
          {save.error && <ErrorPanel compact error={save.error} />}
          <Group justify="space-between">
            <CopyMenu
              request={{
                method: edited ? 'PUT' : 'POST',
                path: edited ? `/auth/keys/${edited.id}` : '/auth/keys',
                body: spec,
              }}
            />
            <Group gap={8}>
              <Button onClick={onClose} variant="default">
                Cancel
              </Button>
              <Button disabled={!spec} loading={save.isPending} type="submit">
                {edited ? 'Save changes' : 'Create key'}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
