/** What can be done to many jobs at once. */

import { useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { ActButton } from '~/auth/ActButton'
import type { Job } from '~/jobs/api'
import { type Act, fitting, jobsBulk } from '~/jobs/bulk'
import type { Bulk } from '~/ui/bulk'
import { Icon } from '~/ui/Icon'

const BulkDialog = lazy(() => import('~/ui/BulkDialog'))

export function JobActs({ jobs, onDone }: { jobs: Job[]; onDone: () => void }) {
  const [bulk, setBulk] = useState<Bulk | null>(null)
  const client = useQueryClient()
  const button = (act: Act, label: string, icon: 'stop' | 'retry') => {
    const count = fitting(act, jobs).length
    return (
      <ActButton
        anywhere
        color={act === 'cancel' ? 'red' : undefined}
        disabled={count === 0}
        leftSection={<Icon name={icon} />}
        onClick={() => setBulk(jobsBulk(act, jobs))}
        size="compact-sm"
        title={count === 0 ? `None of the selected jobs can be ${act === 'cancel' ? 'cancelled' : 'tried again'}` : ''}
        variant="light"
      >
        {label} {count > 0 && count < jobs.length && `(${count})`}
      </ActButton>
    )
  }
  return (
    <>
      {button('cancel', 'Cancel', 'stop')}
      {button('retry', 'Try again', 'retry')}
      <Suspense>
        {bulk && (
          <BulkDialog
            bulk={bulk}
            onChanged={() => void client.invalidateQueries({ queryKey: ['jobs'] })}
            onClose={() => {
              setBulk(null)
              onDone()
            }}
          />
        )}
      </Suspense>
    </>
  )
}
