/** Sign-on with another issuer: its settings as the API has them, and as the form has them. */
import { queryOptions } from '@tanstack/react-query'
import { raw } from '~/api/client'
import type { Grant } from '~/auth/api'
import type { GrantDraft } from '~/auth/keydraft'

export interface Oidc {
  issuer: string
  client_id: string
  has_secret: boolean
  name: string
  scopes: string[]
  groups_claim: string
  groups: { group: string; grants: Grant[] }[]
  source: 'environment' | 'settings'
  redirect_uri: string
  updated_at: string | null
  updated_by: string | null
}

export interface OidcSpec extends Pick<Oidc, 'issuer' | 'client_id' | 'name' | 'scopes' | 'groups_claim' | 'groups'> {
  /** Left out, the one that is stored stays. */
  client_secret?: string
}

const PATH = '/api/v1/auth/oidc'

export const oidcSettings = () =>
  queryOptions({
    queryKey: ['auth', 'oidc'],
    queryFn: async () => (await raw<{ oidc: Oidc | null }>('GET', PATH)).oidc,
  })

export const putOidc = (body: OidcSpec) => raw('PUT', PATH, {}, body)

export const deleteOidc = () => raw('DELETE', PATH)

export interface GroupDraft extends GrantDraft {
  group: string
}

export interface OidcDraft {
  issuer: string
  client_id: string
  secret: string
  name: string
  scopes: string
  groups_claim: string
  groups: GroupDraft[]
}

export function draftOfOidc(oidc: Oidc | null): OidcDraft {
  const lines = (oidc?.groups ?? []).flatMap(({ group, grants }) => grants.map((grant) => ({ group, ...grant })))
  return {
    issuer: oidc?.issuer ?? '',
    client_id: oidc?.client_id ?? '',
    secret: '',
    name: oidc?.name ?? 'single sign-on',
    scopes: (oidc?.scopes ?? ['openid', 'profile', 'email']).join(' '),
    groups_claim: oidc?.groups_claim ?? 'groups',
    groups: lines.map((one, line) => ({ line, group: one.group, role: one.role, clusters: one.clusters ?? [] })),
  }
}

/** What is sent; null while something that it needs is missing. Lines of one group become its grants. */
export function specOfOidc(draft: OidcDraft): OidcSpec | null {
  const { issuer, client_id, name, groups_claim: claim } = draft
  if (!/^https?:\/\/./.test(issuer.trim()) || client_id.trim() === '') return null
  if (draft.groups.some((one) => one.group.trim() === '')) return null
  const groups = new Map<string, Grant[]>()
  for (const { group, role, clusters } of draft.groups) {
    const grants = groups.get(group.trim()) ?? []
    groups.set(group.trim(), [...grants, { role, clusters: clusters.length > 0 ? clusters : null }])
  }
  return {
    issuer: issuer.trim(),
    client_id: client_id.trim(),
    name: name.trim() || 'single sign-on',
    scopes: draft.scopes.split(/\s+/).filter(Boolean),
    groups_claim: claim.trim() || 'groups',
    groups: [...groups].map(([group, grants]) => ({ group, grants })),
    ...(draft.secret ? { client_secret: draft.secret } : {}),
  }
}

const REFUSALS: Record<string, string> = {
  'oidc-no-role': 'You signed in there, but none of your groups has a role here. Ask an administrator to give it one.',
  'oidc-off': 'Sign-on with another issuer is not set up any more. Sign in with a key.',
  'not-answered': 'The issuer could not be reached. Try again, or sign in with a key.',
}

/** Why a sign-on elsewhere did not lead in, from the word in the address; none of the address itself is shown. */
export function refusedBy(word: string | undefined): string {
  if (!word) return ''
  return REFUSALS[word] ?? 'The sign-on at the other side did not succeed. Try again, or sign in with a key.'
}
