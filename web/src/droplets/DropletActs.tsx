/** What can be done to many droplets at once. */

import { useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { ActButton } from '~/auth/ActButton'
import type { Droplet } from '~/droplets/api'
import { destroyable, destroyBulk } from '~/droplets/bulk'
import type { Bulk } from '~/ui/bulk'
import { Icon } from '~/ui/Icon'

const BulkDialog = lazy(() => import('~/ui/BulkDialog'))

export function DropletActs({ droplets, onDone }: { droplets: Droplet[]; onDone: () => void }) {
  const [bulk, setBulk] = useState<Bulk | null>(null)
  const client = useQueryClient()
  const count = destroyable(droplets).length
  return (
    <>
      <ActButton
        anywhere
        color="red"
        disabled={count === 0}
        leftSection={<Icon name="trash" />}
        onClick={() => setBulk(destroyBulk(droplets))}
        size="compact-sm"
        title={count === 0 ? 'All of the selected droplets are leaving already' : ''}
        variant="light"
      >
        Destroy {count > 0 && count < droplets.length && `(${count})`}
      </ActButton>
      <Suspense>
        {bulk && (
          <BulkDialog
            bulk={bulk}
            onChanged={() => {
              void client.invalidateQueries({ queryKey: ['droplets'] })
              void client.invalidateQueries({ queryKey: ['clusters'] })
            }}
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
