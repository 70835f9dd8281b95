/** Cancel a job, try it again from the step it remembers, or run the same anew from the start. */

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { Schemas } from '~/api/client'
import { ActButton } from '~/auth/ActButton'
import { againPlan, anewPlan, cancelPlan } from '~/jobs/again'
import { cancelJob, createJob, ended, type Job, jobOne, jobSteps, retryJob, TYPES } from '~/jobs/api'
import { ChangeDialog } from '~/ui/ChangeDialog'
import { noteOwnChange } from '~/ui/held'
import { Icon } from '~/ui/Icon'
import { toast } from '~/ui/toast'

type Asking = 'cancel' | 'again' | 'anew'

export function JobButtons({ job }: { job: Job }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [asking, setAsking] = useState<Asking | null>(null)
  const steps = useQuery({ ...jobSteps(job.id), enabled: asking === 'again' })
  const act = useMutation({
    mutationFn: (what: Asking) => (what === 'cancel' ? cancelJob(job.id) : retryJob(job.id)),
    onSuccess: (reply) => {
      noteOwnChange()
      setAsking(null)
      client.setQueryData(jobOne(job.id).queryKey, reply)
      return client.invalidateQueries({ queryKey: ['jobs'] })
    },
  })
  const anew = useMutation({
    mutationFn: () => createJob({ type: job.type, parameters: job.parameters as Schemas['JobRequest']['parameters'] }),
    onSuccess: (reply) => {
      noteOwnChange()
      setAsking(null)
      toast('A new job with the same input is queued')
      void navigate({ to: '/jobs/$jobId', params: { jobId: reply.job.id } })
    },
  })
  const again = job.status === 'failed' || job.status === 'cancelled'
  const known = TYPES.some((type) => type === job.type)
  const plans = {
    cancel: () => cancelPlan(job),
    again: () => againPlan(job, steps.data?.steps),
    anew: () => anewPlan(job),
  }
  const ask = (what: Asking) => {
    act.reset()
    anew.reset()
    setAsking(what)
  }
  return (
    <>
      {!ended(job) && (
        <ActButton
          cluster={job.cluster_id}
          color="red"
          disabled={job.cancel_requested_at !== null}
          leftSection={<Icon name="stop" />}
          onClick={() => ask('cancel')}
          variant="light"
        >
          {job.cancel_requested_at ? 'Stopping' : 'Cancel'}
        </ActButton>
      )}
      {ended(job) && known && (
        <ActButton cluster={job.cluster_id} onClick={() => ask('anew')} variant="default">
          Run anew
        </ActButton>
      )}
      {again && (
        <ActButton cluster={job.cluster_id} leftSection={<Icon name="retry" />} onClick={() => ask('again')}>
          Try again
        </ActButton>
      )}
      <ChangeDialog
        busy={act.isPending || anew.isPending}
        error={asking === 'anew' ? anew.error : (act.error ?? (asking === 'again' ? steps.error : null))}
        onClose={() => setAsking(null)}
        onConfirm={() => (asking === 'anew' ? anew.mutate() : asking && act.mutate(asking))}
        plan={asking && plans[asking]()}
      />
    </>
  )
}
