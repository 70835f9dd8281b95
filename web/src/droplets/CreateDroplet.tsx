/** Ask for one droplet, with its price as the choice is made. */
import { zodResolver } from '@hookform/resolvers/zod'
import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import * as z from 'zod/mini'
import { NAMED } from '~/clusters/ClusterName'
import { createDroplet, type Wish } from '~/droplets/api'
import { PlacementFields, PriceLine } from '~/droplets/PlacementFields'
import { CopyMenu } from '~/ui/CopyMenu'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { markFields } from '~/ui/form'
import { noteOwnChange } from '~/ui/held'
import { toast } from '~/ui/toast'

const schema = z.object({
  name: z.string().check(
    z.refine((value) => value.trim() !== '', 'Give it a name.'),
    z.maxLength(255, 'At most 255 characters.'),
  ),
})

export default function CreateDroplet({ cluster, onClose }: { cluster?: string; onClose: () => void }) {
  const [wish, setWish] = useState<Wish>({})
  const [clusterId, setClusterId] = useState<string | null>(cluster ?? null)
  const navigate = useNavigate()
  const clusters = useQuery(NAMED)
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { name: '' } })
  const name = form.watch('name')
  const body = { name, ...(clusterId ? { cluster_id: clusterId } : {}), ...wish }
  const create = useMutation({
    mutationFn: createDroplet,
    onSuccess: ({ droplet, job }) => {
      noteOwnChange()
      toast(`${droplet.name} is requested`, job ? `/jobs/${job.id}` : undefined)
      void navigate({ to: '/droplets', search: { open: droplet.id } })
    },
    onError: (problem) => markFields(problem, ['name'], form.setError),
  })
  const cli = [
    'droplet',
    'create',
    name || 'NAME',
    ...(clusterId ? ['--cluster', clusterId] : []),
    ...Object.entries(wish).flatMap(([key, value]) => (value ? [`--${key}`, value] : [])),
  ]

  return (
    <Modal onClose={onClose} opened size="lg" title="Create droplet">
      <form noValidate onSubmit={form.handleSubmit((values) => create.mutate({ ...body, name: values.name }))}>
        <Stack gap="md">
          <Group align="flex-start" grow>
            <TextInput
              {...form.register('name')}
              autoComplete="off"
              data-autofocus
              error={form.formState.errors.name?.message}
              label="Name"
              placeholder="web-1"
              required
            />
            <Select
              clearable
              data={(clusters.data?.clusters ?? []).map((one) => ({ value: one.id, label: one.name }))}
              label="Cluster"
              onChange={setClusterId}
              placeholder="None"
              searchable
              value={clusterId}
            />
          </Group>
          <PlacementFields onChange={setWish} value={wish} />
          <PriceLine count={1} wish={wish} />
          {create.error && <ErrorPanel compact error={create.error} />}
          <Group justify="space-between">
            <CopyMenu request={{ method: 'POST', path: '/droplets', body, cli }} />
            <Group gap={8}>
              <Button onClick={onClose} variant="default">
                Cancel
              </Button>
              <Button loading={create.isPending} type="submit">
                Create droplet
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
