/** Do what a finding recommends, after its plan; or go and look, where that is the remedy. */

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { raw } from '~/api/client'
import { ActButton } from '~/auth/ActButton'
import { clusterOne } from '~/clusters/api'
import type { Finding } from '~/diagnosis/api'
import { acts, lookAt, remedyPlan } from '~/diagnosis/remedy'
import { useUnitPrice } from '~/droplets/PlacementFields'
import { ButtonLink } from '~/ui/ButtonLink'
import { ChangeDialog } from '~/ui/ChangeDialog'
import { noteOwnChange } from '~/ui/held'
import { Icon } from '~/ui/Icon'
import { toast } from '~/ui/toast'

export function RunRemedy({ finding, clusterId }: { finding: Finding; clusterId: string }) {
  const [asking, setAsking] = useState(false)
  const look = lookAt(finding.remedy)
  if (!acts(finding.remedy)) {
    return look ? (
      <ButtonLink search={look.search as never} size="compact-sm" to={look.to} variant="light">
        Look at it
      </ButtonLink>
    ) : null
  }
  return (
    <>
      <ActButton
        cluster={clusterId}
        leftSection={<Icon name="play" />}
        onClick={() => setAsking(true)}
        size="compact-sm"
        variant="light"
      >
        Do this
      </ActButton>
      {asking && <Confirm clusterId={clusterId} finding={finding} onClose={() => setAsking(false)} />}
    </>
  )
}

function Confirm({ finding, clusterId, onClose }: { finding: Finding; clusterId: string; onClose: () => void }) {
  const client = useQueryClient()
  const cluster = useQuery(clusterOne(clusterId)).data?.cluster
  const { price } = useUnitPrice(cluster ?? {})
  const { method, path, body } = finding.remedy.api
  const run = useMutation({
    mutationFn: () => raw<{ job?: { id: string } | null }>(method, path, {}, body ?? undefined),
    onSuccess: (reply) => {
      noteOwnChange()
      toast('Asked for', reply.job ? `/jobs/${reply.job.id}` : undefined)
      void client.invalidateQueries({ queryKey: ['clusters'] })
      onClose()
    },
  })
  return (
    <ChangeDialog
      busy={run.isPending}
      error={run.error}
      onClose={onClose}
      onConfirm={() => run.mutate()}
      plan={remedyPlan(finding, cluster, cluster ? price : null)}
    />
  )
}
