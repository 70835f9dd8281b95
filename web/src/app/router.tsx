/** All routes: one line for each capability. */
import { createRouter } from '@tanstack/react-router'
import { Broken, rootRoute } from '~/app/root'
import { authRoutes } from '~/auth/routes'
import { clusterRoutes } from '~/clusters/routes'
import { diagnosisRoutes } from '~/diagnosis/routes'
import { dropletRoutes } from '~/droplets/routes'
import { eventRoutes } from '~/events/routes'
import { jobRoutes } from '~/jobs/routes'
import { monitoringRoutes } from '~/monitoring/routes'
import { observabilityRoutes } from '~/observability/routes'
import { overviewRoutes } from '~/overview/routes'
import { limitRoutes } from '~/ratelimit/routes'
import { scheduleRoutes } from '~/schedules/routes'
import { settingsRoutes } from '~/settings/routes'
import { parseSearch, stringifySearch } from '~/ui/search'

export const routeTree = rootRoute.addChildren([
  ...overviewRoutes,
  ...clusterRoutes,
  ...dropletRoutes,
  ...jobRoutes,
  ...scheduleRoutes,
  ...diagnosisRoutes,
  ...monitoringRoutes,
  ...eventRoutes,
  ...observabilityRoutes,
  ...limitRoutes,
  ...settingsRoutes,
  ...authRoutes,
])

export const router = createRouter({
  routeTree,
  // The server writes <base href>, so that the console works under any path.
  basepath: new URL(document.baseURI).pathname,
  defaultPreload: 'intent',
  defaultErrorComponent: Broken,
  scrollRestoration: true,
  parseSearch,
  stringifySearch,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
