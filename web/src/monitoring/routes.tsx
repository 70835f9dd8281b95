/** Where charts live in the console. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { moment, QUICK } from '~/ui/range'
import { flag, given, oneOf, type Raw, text } from '~/ui/search'

const page = createRoute({
  getParentRoute: () => rootRoute,
  path: '/monitoring',
  validateSearch: (search: Raw) =>
    given({
      cluster: text(search.cluster, 64),
      droplet: text(search.droplet, 64),
      range: oneOf(search.range, QUICK),
      from: moment(search.from),
      to: moment(search.to),
      paused: flag(search.paused),
    }),
  component: lazyRouteComponent(() => import('~/monitoring/MonitoringPage'), 'MonitoringPage'),
})

export const monitoringRoutes = [page] as const
