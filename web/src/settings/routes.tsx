/** Where this browser's settings live in the console. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'

const page = createRoute({
  getParentRoute: () => rootRoute,
  path: '/settings',
  component: lazyRouteComponent(() => import('~/settings/SettingsPage'), 'SettingsPage'),
})

export const settingsRoutes = [page] as const
