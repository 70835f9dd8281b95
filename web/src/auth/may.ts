/** Decide what somebody may do, from their grants; pure. The server decides it again. */
import type { Grant, Role } from '~/auth/api'

const ORDER: Role[] = ['viewer', 'operator', 'admin']

/** Whether one of the grants has the role, on this cluster; on all clusters where none is named. */
export function allowed(grants: Grant[], role: Role, cluster?: string | null): boolean {
  return grants.some(
    (grant) =>
      ORDER.indexOf(grant.role) >= ORDER.indexOf(role) &&
      (grant.clusters === null || (typeof cluster === 'string' && grant.clusters.includes(cluster))),
  )
}

/** Why something cannot be done; empty when it can be. */
export function refusal(grants: Grant[], role: Role, cluster?: string | null): string {
  if (allowed(grants, role, cluster)) return ''
  const where = cluster ? 'on this cluster' : 'on all clusters'
  return `This needs the role ${role} ${where}; you have ${inWords(grants)}.`
}

/** "operator on all clusters", "viewer on 2 clusters". */
export function inWords(grants: Grant[]): string {
  if (grants.length === 0) return 'no role'
  return grants
    .map(({ role, clusters }) => {
      const where =
        clusters === null ? 'all clusters' : clusters.length === 1 ? clusters[0] : `${clusters.length} clusters`
      return `${role} on ${where}`
    })
    .join(', ')
}
