/** The numbers of a cluster at a glance. */
import { useQuery } from '@tanstack/react-query'
import type { Cluster } from '~/clusters/api'
import { dropletList } from '~/droplets/api'
import { DropletMap } from '~/droplets/DropletMap'
import { useUnitPrice } from '~/droplets/PlacementFields'
import { Figure, Figures } from '~/ui/Figures'
import { number, perHour, perMonth } from '~/ui/format'
import { Ago } from '~/ui/Time'
import { PAGE_SIZE } from '~/ui/tableState'

export function ClusterSummary({ cluster }: { cluster: Cluster }) {
  const { price } = useUnitPrice(cluster)
  // The same request as the first page of the tab below it.
  const droplets = useQuery(dropletList({ cluster_id: cluster.id, page: 1, page_size: PAGE_SIZE }))
  const cost = price === null ? null : price * cluster.wanted_size
  return (
    <Figures>
      <Figure
        label="Droplets active"
        more={`${number(cluster.wanted_size)} wanted`}
        tone={cluster.active < cluster.wanted_size ? 'warn' : undefined}
      >
        {number(cluster.active)}
      </Figure>
      <Figure label="At wanted size" more={cost ? perMonth(cost) : 'by the present placement'}>
        {cost === null ? '–' : perHour(cost)}
      </Figure>
      <Figure label="Placement" more={`${cluster.size ?? 'any size'}, ${cluster.image ?? 'usual image'}`} small>
        {cluster.provider ?? 'default provider'}, {cluster.region ?? 'any region'}
      </Figure>
      <Figure label="Last checked" more={`revision ${cluster.revision}`} small>
        <Ago at={cluster.last_checked} fallback="never" />
      </Figure>
      {droplets.data && droplets.data.droplets.length > 0 && (
        <Figure label="Newest droplets" wide>
          <DropletMap droplets={droplets.data.droplets} />
        </Figure>
      )}
    </Figures>
  )
}
