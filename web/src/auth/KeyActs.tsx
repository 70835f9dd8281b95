/** Rotate or revoke a key, after its plan; a new secret is shown this once. */
import { Button, Group, Modal } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type Key, revokeKey, rotateKey } from '~/auth/api'
import { Secret } from '~/auth/Secret'
import { ChangeDialog, type Plan } from '~/ui/ChangeDialog'
import { noteOwnChange } from '~/ui/held'
import { toast } from '~/ui/toast'

export interface KeyAct {
  kind: 'rotate' | 'revoke'
  key: Key
}

export function KeyActs({ act, onClose }: { act: KeyAct; onClose: () => void }) {
  const client = useQueryClient()
  const run = useMutation({
    mutationFn: async ({ kind, key }: KeyAct): Promise<string | null> => {
      if (kind === 'rotate') return (await rotateKey(key.id)).secret
      await revokeKey(key.id)
      return null
    },
    onSuccess: (secret, { key }) => {
      noteOwnChange()
      if (secret !== null) return
      toast(`Key ${key.name} is revoked`)
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['auth'] }),
  })
  if (run.data) return <NewSecret name={act.key.name} onClose={onClose} secret={run.data} />
  return (
    <ChangeDialog
      busy={run.isPending}
      error={run.error}
      onClose={onClose}
      onConfirm={() => run.mutate(act)}
      plan={planOf(act)}
    />
  )
}

export function NewSecret({ name, secret, onClose }: { name: string; secret: string; onClose: () => void }) {
  return (
    <Modal
      closeOnClickOutside={false}
      closeOnEscape={false}
      onClose={onClose}
      opened
      size="lg"
      title={`The key ${name}`}
    >
      <Secret name={name} secret={secret} />
      <Group justify="flex-end" mt="md">
        <Button onClick={onClose}>I have kept it</Button>
      </Group>
    </Modal>
  )
}

function planOf({ kind, key }: KeyAct): Plan {
  const rotate = kind === 'rotate'
  const path = `/auth/keys/${key.id}${rotate ? '/rotate' : ''}`
  return {
    title: `${rotate ? 'Rotate' : 'Revoke'} ${key.name}`,
    sentence: rotate
      ? 'It gets another secret. The one it has is worth nothing from then on.'
      : 'It is worth nothing from then on, for good.',
    differences: [
      rotate
        ? { what: 'Secret', before: `${key.prefix}…`, after: 'a new one, shown once' }
        : { what: 'Status', before: key.status, after: 'revoked' },
    ],
    cost: null,
    consequences: ['Programs that use it are refused, and browsers that signed in with it are signed out.'],
    confirm: rotate ? 'Rotate key' : 'Revoke key',
    danger: !rotate,
    request: { method: rotate ? 'POST' : 'DELETE', path, cli: ['key', kind, key.id, '--yes'] },
  }
}
