/** The first page. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'

const page = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  component: lazyRouteComponent(() => import('~/overview/OverviewPage'), 'OverviewPage'),
})

export const overviewRoutes = [page] as const
