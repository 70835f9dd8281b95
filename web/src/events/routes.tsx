/** Where the event log lives in the console. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { TYPES } from '~/events/api'
import { given, oneOf, type Raw, text } from '~/ui/search'

const list = createRoute({
  getParentRoute: () => rootRoute,
  path: '/events',
  validateSearch: (search: Raw) =>
    given({
      save: text(search.save, 64),
      type: oneOf(search.type, TYPES),
      cluster: text(search.cluster, 64),
      job: text(search.job, 128),
      droplet: text(search.droplet, 64),
      trace: text(search.trace, 64),
    }),
  component: lazyRouteComponent(() => import('~/events/EventsPage'), 'EventsPage'),
})

export const eventRoutes = [list] as const
