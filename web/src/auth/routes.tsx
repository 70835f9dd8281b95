/** Where one comes in, and where access is managed. */
import { createRoute, lazyRouteComponent, Navigate } from '@tanstack/react-router'
import { rootRoute } from '~/app/root'
import { flag, given, oneOf, type Raw, tableSearch, text } from '~/ui/search'

export const TABS = ['keys', 'sessions', 'roles', 'sign-on'] as const
const SORTABLE = ['created_at', 'name', 'last_used_at', 'expires_at', 'last_seen_at'] as const

/** A path of this console; what leads anywhere else leads to its first page. */
export function innerPath(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) ? next : '/'
}

const login = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search: Raw) => given({ next: text(search.next, 2000) }),
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

export const authRoutes = [login, setup, access] as const
