/** A page, or a part of one, for a role: who lacks it reads which role that is, instead of refusals. */
import type { ReactNode } from 'react'
import type { Role } from '~/auth/api'
import { useRefusal } from '~/auth/useMay'
import { Empty } from '~/ui/Empty'
import { Panel } from '~/ui/Panel'

export function Needs({ right, children }: { right: Role; children: ReactNode }) {
  const why = useRefusal(right)
  if (!why) return children
  return (
    <Panel>
      <Empty cli={['api', 'GET', '/auth/me']} icon="key" title="Not with your role">
        {why} An administrator can give it to you.
      </Empty>
    </Panel>
  )
}
