/** Where one comes in, and where access is managed. */
import { createRoute, lazyRouteComponent, Navigate } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { innerPath } from '~/auth/paths'
import { flag, given, oneOf, type Raw, tableSearch, text } from '~/ui/search'

export const TABS = ['keys', 'sessions', 'roles', 'sign-on'] as const
const SORTABLE = ['created_at', 'name', 'last_used_at', 'expires_at', 'last_seen_at'] as const

const login = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search: Raw) => given({ next: text(search.next, 2000), refused: text(search.refused, 64) }),
  component: LoggedIn,
})

/** Whoever sees this has signed in: the login itself is what the gate shows to everybody else. */
function LoggedIn() {
  const { next } = login.useSearch()
  return <Navigate replace to={innerPath(next)} />
}

const setup = createRoute({
  getParentRoute: () => rootRoute,
  path: '/setup',
  component: lazyRouteComponent(() => import('~/auth/SetupPage'), 'SetupPage'),
})

const access = createRoute({
  getParentRoute: () => rootRoute,
  path: '/access',
  validateSearch: (search: Raw) =>
    given({
      ...tableSearch(search, SORTABLE),
      tab: oneOf(search.tab, TABS),
      status: oneOf(search.status, ['active', 'expired', 'revoked']),
      create: flag(search.create),
      edit: text(search.edit, 64),
    }),
  component: lazyRouteComponent(() => import('~/auth/AccessPage'), 'AccessPage'),
})

const audit = createRoute({
  getParentRoute: () => rootRoute,
  path: '/audit',
  validateSearch: (search: Raw) =>
    given({
      ...tableSearch(search, ['id', 'at']),
      q: text(search.q),
      actor: text(search.actor),
      action: text(search.action, 64),
      target: text(search.target),
      since: oneOf(search.since, ['1h', '24h', '7d', '30d']),
      open: text(search.open, 20),
    }),
  component: lazyRouteComponent(() => import('~/auth/AuditPage'), 'AuditPage'),
})

export const authRoutes = [login, setup, access, audit] as const
