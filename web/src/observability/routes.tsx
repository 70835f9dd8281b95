/** Where the console looks at ClusterGenie itself. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { given, type Raw, whole } from '~/ui/search'

const page = createRoute({
  getParentRoute: () => rootRoute,
  path: '/observability',
  validateSearch: (search: Raw) => given({ page: whole(search.page) }),
  component: lazyRouteComponent(() => import('~/observability/ObservabilityPage'), 'ObservabilityPage'),
})

export const observabilityRoutes = [page] as const
