/** Where health and diagnosis live in the console. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { given, type Raw, text } from '~/ui/search'

const page = createRoute({
  getParentRoute: () => rootRoute,
  path: '/diagnosis',
  validateSearch: (search: Raw) => given({ cluster: text(search.cluster, 64), id: text(search.id, 64) }),
  component: lazyRouteComponent(() => import('~/diagnosis/DiagnosisPage'), 'DiagnosisPage'),
})

export const diagnosisRoutes = [page] as const
