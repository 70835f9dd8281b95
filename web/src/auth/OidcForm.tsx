/** Set up sign-on with another issuer; its secret is only ever written. */
import { Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { fieldOf, Problem } from '~/api/problem'
import { GrantLine } from '~/auth/GrantLine'
import { draftOfOidc, type GroupDraft, type Oidc, type OidcDraft, putOidc, specOfOidc } from '~/auth/oidc'
import { CopyMenu } from '~/ui/CopyMenu'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Icon } from '~/ui/Icon'
import { toast } from '~/ui/toast'

const FIELDS = [
  ['issuer', 'Issuer', 'https://login.example.com/realms/ops'],
  ['client_id', 'Client id', 'clustergenie'],
  ['name', 'What the button says', 'single sign-on'],
  ['scopes', 'Scopes', 'openid profile email groups'],
  ['groups_claim', 'Claim that holds the groups', 'groups'],
] as const

export default function OidcForm({ oidc, onClose }: { oidc: Oidc | null; onClose: () => void }) {
  const [draft, setDraft] = useState<OidcDraft>(() => draftOfOidc(oidc))
  const client = useQueryClient()
  const spec = specOfOidc(draft)
  const save = useMutation({
    mutationFn: putOidc,
    onSuccess: () => {
      toast('Single sign-on is set up')
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['auth'] }),
  })
  const errors = save.error instanceof Problem ? save.error.errors : []
  const said = (name: string) => errors.find((one) => fieldOf(one.pointer).startsWith(name))?.detail
  const setGroup = (line: number, change: Partial<GroupDraft>) =>
    setDraft({ ...draft, groups: draft.groups.map((one) => (one.line === line ? { ...one, ...change } : one)) })
  const next = Math.max(0, ...draft.groups.map((one) => one.line)) + 1
  const shown = spec && { ...spec, ...(spec.client_secret ? { client_secret: '…' } : {}) }

  return (
    <Modal onClose={onClose} opened size="lg" title="Single sign-on">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (spec) save.mutate(spec)
        }}
      >
        <Stack gap="md">
          {FIELDS.map(([name, label, example]) => (
            <TextInput
              autoComplete="off"
              error={said(name)}
              key={name}
              label={label}
              onChange={(event) => setDraft({ ...draft, [name]: event.currentTarget.value })}
              placeholder={example}
              required={name === 'issuer' || name === 'client_id'}
              spellCheck={false}
              value={draft[name]}
            />
          ))}
          <PasswordInput
            autoComplete="off"
            error={said('client_secret')}
            label="Client secret"
            onChange={(event) => setDraft({ ...draft, secret: event.currentTarget.value })}
            placeholder={oidc?.has_secret ? 'The one that is kept stays' : 'None for a public client'}
            value={draft.secret}
            visibilityToggleButtonProps={{ 'aria-label': 'Show the secret' }}
          />
          <Text fw={600} size="sm">
            Groups and their roles
          </Text>
          {draft.groups.map((one) => (
            <GrantLine
              grant={one}
              key={one.line}
              lead={
                <TextInput
                  label="Group"
                  maxLength={255}
                  onChange={(event) => setGroup(one.line, { group: event.currentTarget.value })}
                  placeholder="ops"
                  style={{ flex: 1 }}
                  value={one.group}
                />
              }
              onChange={(change) => setGroup(one.line, change)}
              onRemove={() => setDraft({ ...draft, groups: draft.groups.filter((other) => other !== one) })}
            />
          ))}
          <Group>
            <Button
              leftSection={<Icon name="plus" />}
              onClick={() =>
                setDraft({
                  ...draft,
                  groups: [...draft.groups, { line: next, group: '', role: 'viewer', clusters: [] }],
                })
              }
              size="compact-sm"
              variant="subtle"
            >
              Another group
            </Button>
          </Group>
          {save.error && <ErrorPanel compact error={save.error} />}
          <Group justify="space-between">
            <CopyMenu request={{ method: 'PUT', path: '/auth/oidc', body: shown }} />
            <Group gap={8}>
              <Button onClick={onClose} variant="default">
                Cancel
              </Button>
              <Button disabled={!spec} loading={save.isPending} type="submit">
                Save
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
