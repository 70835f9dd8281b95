/** Logins, keys and sessions, as the API has them. */
import { queryOptions } from '@tanstack/react-query'
import { api, ok, type Schemas } from '~/api/client'
import { setCsrfToken } from '~/api/session'

export type Me = Schemas['Me']
export type Who = Schemas['Who']
export type Role = Schemas['GrantShown']['role']
export type Grant = Schemas['GrantShown']
export type Key = Schemas['Key']
export type KeySpec = Schemas['KeySpec']
export type Session = Schemas['Session']

export const KEY_STATUSES = ['active', 'expired', 'revoked'] as const

/** Keep what a page's own calls need of the answer. */
export function kept(me: Me): Me {
  setCsrfToken(me.csrf_token)
  return me
}

export const meQuery = () =>
  queryOptions({
    queryKey: ['auth', 'me'],
    queryFn: async ({ signal }) => kept(await ok(api.GET('/api/v1/auth/me', { signal }))),
    refetchOnWindowFocus: true, // it may have been another tab where somebody signed in or out
    staleTime: 60_000,
  })

export const logIn = async (key: string) => kept(await ok(api.POST('/api/v1/auth/login', { body: { key } })))

export const logOut = () => ok(api.POST('/api/v1/auth/logout'))

export const setUp = (token: string, name: string) => ok(api.POST('/api/v1/auth/setup', { body: { token, name } }))

export interface Page {
  page?: number
  page_size?: number
  sort_by?: string
  sort_dir?: 'asc' | 'desc'
}

export const keyList = (filter: Page & { status?: string }) =>
  queryOptions({
    queryKey: ['auth', 'keys', filter],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/auth/keys', { params: { query: filter }, signal })),
  })

const at = (id: string) => ({ params: { path: { key_id: id } } })

export const createKey = (body: KeySpec) => ok(api.POST('/api/v1/auth/keys', { body }))

export const changeKey = (id: string, body: Schemas['KeyChange']) =>
  ok(api.PUT('/api/v1/auth/keys/{key_id}', { ...at(id), body }))

export const rotateKey = (id: string) => ok(api.POST('/api/v1/auth/keys/{key_id}/rotate', at(id)))

export const revokeKey = (id: string) => ok(api.DELETE('/api/v1/auth/keys/{key_id}', at(id)))

export const sessionList = (filter: Page) =>
  queryOptions({
    queryKey: ['auth', 'sessions', filter],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/auth/sessions', { params: { query: filter }, signal })),
  })

export const endSession = (id: string) =>
  ok(api.DELETE('/api/v1/auth/sessions/{session_id}', { params: { path: { session_id: id } } }))

export const roleList = () =>
  queryOptions({
    queryKey: ['auth', 'roles'],
    queryFn: ({ signal }) => ok(api.GET('/api/v1/auth/roles', { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  })
