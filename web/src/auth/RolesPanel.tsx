/** What each role lets one do, and which of them one has. */
import { useQuery } from '@tanstack/react-query'
import { meQuery, roleList } from '~/auth/api'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { words } from '~/ui/format'
import { Columns } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { Status } from '~/ui/Status'
import { Waiting } from '~/ui/Waiting'

export function RolesPanel() {
  const query = useQuery(roleList())
  const grants = useQuery(meQuery()).data?.principal?.grants ?? []
  if (query.error) return <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />
  if (!query.data) return <Waiting />
  return (
    <Columns least={280}>
      {query.data.roles.map((one) => (
        <Panel
          aside={grants.some((grant) => grant.role === one.role) && <Status label="you have it" status="active" />}
          key={one.role}
          title={words(one.role)}
        >
          <p style={{ marginTop: 0 }}>{one.summary}</p>
          <ul style={{ margin: 0, paddingLeft: 18 }}>
            {one.may.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </Panel>
      ))}
    </Columns>
  )
}
