/** What can be done to a cluster; each act shows its plan, difference and cost before it is confirmed. */
import { NumberInput, SegmentedControl } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { Problem } from '~/api/problem'
import { type Cluster, changeCluster, clusterOne, deleteCluster, type OnConflict } from '~/clusters/api'
import { deletePlan, provisionPlan, scalePlan, whatChanged } from '~/clusters/plans'
import { useUnitPrice } from '~/droplets/PlacementFields'
import { createJob } from '~/jobs/api'
import { ChangeDialog } from '~/ui/ChangeDialog'
import { noteOwnChange } from '~/ui/held'
import { toast } from '~/ui/toast'

interface Props {
  act: 'scale' | 'provision' | 'delete' | undefined
  cluster: Cluster
  onClose: () => void
}

export default function ClusterActs({ act, cluster, onClose }: Props) {
  if (act === 'scale') return <Scale cluster={cluster} onClose={onClose} />
  if (act === 'provision') return <Provision cluster={cluster} onClose={onClose} />
  if (act === 'delete') return <Delete cluster={cluster} onClose={onClose} />
  return null
}

type ActProps = Omit<Props, 'act'>

function useAct(cluster: Cluster, onClose: () => void, said: string, leaves = false) {
  const client = useQueryClient()
  return (jobId: string | undefined) => {
    noteOwnChange()
    // One that is being left is not asked for again: it may be gone before the page is.
    const refetchType = leaves ? 'none' : 'active'
    void client.invalidateQueries({ queryKey: ['clusters', 'one', cluster.id], refetchType })
    void client.invalidateQueries({ queryKey: ['jobs', 'list'] })
    toast(said, jobId && `/jobs/${jobId}`)
    onClose()
  }
}

function Scale({ cluster, onClose }: ActProps) {
  const [size, setSize] = useState<number>(cluster.wanted_size)
  // What the plan was made from: sent along, so that a change by somebody else is refused and shown.
  const seen = useRef(cluster)
  const [stale, setStale] = useState('')
  const client = useQueryClient()
  const { price } = useUnitPrice(cluster)
  const done = useAct(cluster, onClose, `${cluster.name} goes to ${size} droplets`)
  const scale = useMutation({
    mutationFn: () => changeCluster(cluster.id, { wanted_size: size, revision: seen.current.revision }),
    onSuccess: (reply) => done(reply.job?.id),
    onError: async (problem) => {
      if (!(problem instanceof Problem) || problem.status !== 409) return
      const now = (await client.fetchQuery({ ...clusterOne(cluster.id), staleTime: 0 })).cluster
      setStale(
        `Somebody changed it: ${whatChanged(seen.current, now)}. The plan below starts from there; confirm it anew.`,
      )
      seen.current = now
    },
  })
  return (
    <ChangeDialog
      busy={scale.isPending}
      error={stale ? null : scale.error}
      onClose={onClose}
      onConfirm={() => {
        setStale('')
        scale.mutate()
      }}
      plan={scalePlan(stale ? cluster : seen.current, size, price)}
      stale={stale}
      valid={Number.isInteger(size) && size >= 0 && size !== cluster.wanted_size}
    >
      <NumberInput
        allowDecimal={false}
        data-autofocus
        label="Wanted size"
        max={10_000}
        min={0}
        onChange={(value) => setSize(value === '' ? Number.NaN : Number(value))}
        value={Number.isNaN(size) ? '' : size}
      />
    </ChangeDialog>
  )
}

function Provision({ cluster, onClose }: ActProps) {
  const [count, setCount] = useState<number>(1)
  const { price } = useUnitPrice(cluster)
  const done = useAct(cluster, onClose, `${count} more for ${cluster.name}`)
  const provision = useMutation({
    mutationFn: () => createJob({ type: 'provision', parameters: { cluster_id: cluster.id, count } }),
    onSuccess: (reply) => done(reply.job.id),
  })
  return (
    <ChangeDialog
      busy={provision.isPending}
      error={provision.error}
      onClose={onClose}
      onConfirm={() => provision.mutate()}
      plan={provisionPlan(cluster, count, price)}
      valid={Number.isInteger(count) && count >= 1}
    >
      <NumberInput
        allowDecimal={false}
        data-autofocus
        label="How many more"
        max={1000}
        min={1}
        onChange={(value) => setCount(value === '' ? Number.NaN : Number(value))}
        value={Number.isNaN(count) ? '' : count}
      />
    </ChangeDialog>
  )
}

function Delete({ cluster, onClose }: ActProps) {
  const narrow = useMediaQuery('(max-width: 560px)')
  const [onConflict, setOnConflict] = useState<OnConflict>('queue')
  const navigate = useNavigate()
  const { price } = useUnitPrice(cluster)
  const done = useAct(cluster, onClose, `${cluster.name} is being deleted`, true)
  const remove = useMutation({
    mutationFn: () => deleteCluster(cluster.id, onConflict),
    onSuccess: (reply) => {
      done(reply.job?.id)
      if (reply.job) void navigate({ to: '/jobs/$jobId', params: { jobId: reply.job.id } })
    },
  })
  return (
    <ChangeDialog
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() => remove.mutate()}
      plan={deletePlan(cluster, onConflict, price)}
    >
      <SegmentedControl
        aria-label="What to do about work that is running on it"
        data={[
          { value: 'queue', label: 'After running work' },
          { value: 'replace', label: 'Cancel running work' },
          { value: 'reject', label: 'Only if idle' },
        ]}
        fullWidth
        orientation={narrow ? 'vertical' : 'horizontal'}
        onChange={(value) => setOnConflict(value as OnConflict)}
        value={onConflict}
      />
    </ChangeDialog>
  )
}
