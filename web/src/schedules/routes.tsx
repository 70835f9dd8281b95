/** Where schedules live in the console. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { SORTABLE } from '~/schedules/api'
import { flag, given, type Raw, tableSearch, text } from '~/ui/search'

const page = createRoute({
  getParentRoute: () => rootRoute,
  path: '/schedules',
  validateSearch: (search: Raw) =>
    given({ ...tableSearch(search, SORTABLE), create: flag(search.create), edit: text(search.edit, 64) }),
  component: lazyRouteComponent(() => import('~/schedules/SchedulesPage'), 'SchedulesPage'),
})

export const scheduleRoutes = [page] as const
