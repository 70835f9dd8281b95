// @vitest-environment jsdom
import { expect, test } from 'vitest'
import { draftOfOidc, refusedBy, specOfOidc } from '~/auth/oidc'
import { innerPath } from '~/auth/paths'

const FRESH = { ...draftOfOidc(null), issuer: 'https://id.example', client_id: 'cg' }

test('lines of one group become its grants, and no secret is sent unless one was typed', () => {
  const groups = [
    { line: 0, group: 'ops', role: 'operator' as const, clusters: ['web'] },
    { line: 1, group: ' ops ', role: 'viewer' as const, clusters: [] },
  ]
  const spec = specOfOidc({ ...FRESH, groups })
  expect(spec?.groups).toEqual([
    {
      group: 'ops',
      grants: [
        { role: 'operator', clusters: ['web'] },
        { role: 'viewer', clusters: null },
      ],
    },
  ])
  expect(spec && 'client_secret' in spec).toBe(false)
  expect(specOfOidc({ ...FRESH, secret: 's' })?.client_secret).toBe('s')
})

test('what is missing makes no request', () => {
  expect(specOfOidc({ ...FRESH, issuer: 'id.example' })).toBeNull()
  expect(specOfOidc({ ...FRESH, client_id: ' ' })).toBeNull()
  expect(specOfOidc({ ...FRESH, groups: [{ line: 0, group: '', role: 'viewer', clusters: [] }] })).toBeNull()
})

test('a refusal in the address is told in words of ours, never in those of the address', () => {
  expect(refusedBy(undefined)).toBe('')
  expect(refusedBy('oidc-no-role')).toContain('groups')
  expect(refusedBy('<b>call 555</b>')).not.toContain('555')
})

test('a login leads only to pages of this console', () => {
  expect(innerPath('/jobs?status=failed')).toBe('/jobs?status=failed')
  for (const bad of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '',
    undefined,
  ]) {
    expect(innerPath(bad)).toBe('/')
  }
})
