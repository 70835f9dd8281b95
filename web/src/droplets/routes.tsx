/** Where droplets live in the console. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { SORTABLE, STATUSES } from '~/droplets/api'
import { flag, given, oneOf, type Raw, tableSearch, text } from '~/ui/search'

const list = createRoute({
  getParentRoute: () => rootRoute,
  path: '/droplets',
  validateSearch: (search: Raw) =>
    given({
      ...tableSearch(search, SORTABLE),
      q: text(search.q),
      status: oneOf(search.status, STATUSES),
      provider: text(search.provider, 64),
      cluster: text(search.cluster, 64),
      view: oneOf(search.view, ['orphans']),
      open: text(search.open, 64),
      create: flag(search.create),
    }),
  component: lazyRouteComponent(() => import('~/droplets/DropletsPage'), 'DropletsPage'),
})

export const dropletRoutes = [list] as const
