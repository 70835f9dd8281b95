/** Where limits live in the console. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { flag, given, type Raw, text } from '~/ui/search'

const page = createRoute({
  getParentRoute: () => rootRoute,
  path: '/limits',
  validateSearch: (search: Raw) =>
    given({
      cluster: text(search.cluster, 64),
      user: text(search.user, 255),
      create: flag(search.create),
      edit: text(search.edit, 80),
    }),
  component: lazyRouteComponent(() => import('~/ratelimit/LimitsPage'), 'LimitsPage'),
})

export const limitRoutes = [page] as const
