/** What the person at this browser may do. */
import { useQuery } from '@tanstack/react-query'
import { meQuery, type Role } from '~/auth/api'
import { refusal } from '~/auth/may'

/** Why this may not be done, in a sentence; empty when it may be, or when it is not known: then the server says it. */
export function useRefusal(role: Role | undefined, cluster?: string | null, anywhere = false): string {
  const { data } = useQuery(meQuery())
  if (!role || !data?.principal) return ''
  const { grants } = data.principal
  const broad = anywhere ? grants.map((grant) => ({ ...grant, clusters: null })) : grants
  return refusal(broad, role, cluster)
}
