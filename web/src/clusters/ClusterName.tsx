/** A cluster by its name where that is known, else by its id; leads to it. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { clusterList } from '~/clusters/api'

/** The first hundred by name: the same request as the choices of other pages. */
export const NAMED = clusterList({ page_size: 100, sort_by: 'name', sort_dir: 'asc' })

export function ClusterName({ id }: { id: string }) {
  const { data } = useQuery(NAMED)
  const name = data?.clusters.find((one) => one.id === id)?.name
  return (
    <Link className="cg-quiet" params={{ clusterId: id }} title={id} to="/clusters/$clusterId">
      {name ?? id}
    </Link>
  )
}
