/** Make a cluster: its name, its size, where its droplets go, and what that costs. */
import { zodResolver } from '@hookform/resolvers/zod'
import { Button, Group, Modal, NumberInput, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { Controller, useForm } from 'react-hook-form'
import { type ClusterSpec, createCluster } from '~/clusters/api'
import { type ClusterForm, clusterForm } from '~/clusters/form'
import type { Wish } from '~/droplets/api'
import { PlacementFields, PriceLine } from '~/droplets/PlacementFields'
import { CopyMenu } from '~/ui/CopyMenu'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { markFields } from '~/ui/form'
import { noteOwnChange } from '~/ui/held'
import { toast } from '~/ui/toast'

export default function CreateCluster({ onClose }: { onClose: () => void }) {
  return (
    <Modal onClose={onClose} opened size="lg" title="Create cluster">
      <Form onClose={onClose} />
    </Modal>
  )
}

function Form({ onClose }: { onClose: () => void }) {
  const [wish, setWish] = useState<Wish>({})
  const navigate = useNavigate()
  const client = useQueryClient()
  const form = useForm<ClusterForm>({ resolver: zodResolver(clusterForm), defaultValues: { name: '', wanted_size: 3 } })
  const { name, wanted_size } = form.watch()
  const { errors } = form.formState
  const create = useMutation({
    mutationFn: createCluster,
    onSuccess: ({ cluster }) => {
      noteOwnChange()
      void client.invalidateQueries({ queryKey: ['clusters', 'list'] })
      toast(`Cluster ${cluster.name} created`)
      void navigate({ to: '/clusters/$clusterId', params: { clusterId: cluster.id } })
    },
    onError: (problem) => markFields(problem, ['name', 'wanted_size'], form.setError),
  })
  const body: ClusterSpec = { name, wanted_size: wanted_size || 0, ...wish }

  return (
    <form noValidate onSubmit={form.handleSubmit((values) => create.mutate({ ...wish, ...values }))}>
      <Stack gap="md">
        <Group align="flex-start" grow>
          <TextInput
            {...form.register('name')}
            autoComplete="off"
            data-autofocus
            error={errors.name?.message}
            label="Name"
            placeholder="web"
            required
          />
          <Controller
            control={form.control}
            name="wanted_size"
            render={({ field }) => (
              <NumberInput
                allowDecimal={false}
                description="Droplets that are kept running"
                error={errors.wanted_size?.message}
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                label="Wanted size"
                max={10_000}
                min={0}
                onBlur={field.onBlur}
                onChange={(value) => field.onChange(value === '' ? Number.NaN : Number(value))}
                value={Number.isNaN(field.value) ? '' : field.value}
              />
            )}
          />
        </Group>
        <PlacementFields onChange={setWish} value={wish} />
        <PriceLine count={wanted_size || 0} wish={wish} />
        {create.error && <ErrorPanel compact error={create.error} />}
        <Group justify="space-between">
          <CopyMenu request={{ method: 'POST', path: '/clusters', body, cli: cliOf(body) }} />
          <Group gap={8}>
            <Button onClick={onClose} variant="default">
              Cancel
            </Button>
            <Button loading={create.isPending} type="submit">
              Create cluster
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  )
}

function cliOf(body: ClusterSpec): string[] {
  const words = ['cluster', 'create', body.name || 'NAME', '--wanted-size', String(body.wanted_size ?? 0)]
  for (const name of ['provider', 'region', 'size', 'image'] as const) {
    const value = body[name]
    if (value) words.push(`--${name}`, value)
  }
  return words
}
