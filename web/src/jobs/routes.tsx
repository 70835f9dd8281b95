/** Where jobs live in the console. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { SORTABLE, STATUSES } from '~/jobs/api'
import { given, oneOf, type Raw, tableSearch, text } from '~/ui/search'

const list = createRoute({
  getParentRoute: () => rootRoute,
  path: '/jobs',
  validateSearch: (search: Raw) =>
    given({
      ...tableSearch(search, SORTABLE),
      status: oneOf(search.status, STATUSES),
      type: text(search.type, 64),
      cluster: text(search.cluster, 64),
      trace: text(search.trace, 64),
    }),
  component: lazyRouteComponent(() => import('~/jobs/JobsPage'), 'JobsPage'),
})

const one = createRoute({
  getParentRoute: () => rootRoute,
  path: '/jobs/$jobId',
  component: lazyRouteComponent(() => import('~/jobs/JobPage'), 'JobPage'),
})

export const jobRoutes = [list, one] as const
