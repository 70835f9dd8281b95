/** Where clusters live in the console. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { SORTABLE, STATUSES } from '~/clusters/api'
import { SORTABLE as DROPLETS } from '~/droplets/api'
import { SORTABLE as JOBS } from '~/jobs/api'
import { flag, given, oneOf, type Raw, tableSearch, text } from '~/ui/search'

export const TABS = ['droplets', 'jobs', 'events', 'settings'] as const
/** What the droplets and the jobs of a cluster can be sorted by. */
const SORTABLE_IN_TABS = [...DROPLETS, ...JOBS]
export const ACTS = ['scale', 'provision', 'delete'] as const

const list = createRoute({
  getParentRoute: () => rootRoute,
  path: '/clusters',
  validateSearch: (search: Raw) =>
    given({
      ...tableSearch(search, SORTABLE),
      q: text(search.q),
      status: oneOf(search.status, STATUSES),
      region: text(search.region, 64),
      create: flag(search.create),
    }),
  component: lazyRouteComponent(() => import('~/clusters/ClustersPage'), 'ClustersPage'),
})

const one = createRoute({
  getParentRoute: () => rootRoute,
  path: '/clusters/$clusterId',
  validateSearch: (search: Raw) =>
    given({
      tab: oneOf(search.tab, TABS),
      act: oneOf(search.act, ACTS),
      ...tableSearch(search, SORTABLE_IN_TABS),
      q: text(search.q),
      status: text(search.status, 16),
    }),
  component: lazyRouteComponent(() => import('~/clusters/ClusterPage'), 'ClusterPage'),
})

export const clusterRoutes = [list, one] as const
