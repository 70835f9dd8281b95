import { expect, test } from 'vitest'
import type { Grant } from '~/auth/api'
import { draftOfKey, specOfKey } from '~/auth/keydraft'
import { allowed, inWords, refusal } from '~/auth/may'
import { tokenIn } from '~/auth/setup'

const everywhere = (role: Grant['role']): Grant => ({ role, clusters: null })
const on = (role: Grant['role'], ...clusters: string[]): Grant => ({ role, clusters })

test('a higher role includes the lower ones, a lower one not the higher', () => {
  expect(allowed([everywhere('admin')], 'viewer')).toBe(true)
  expect(allowed([everywhere('operator')], 'operator', 'web')).toBe(true)
  expect(allowed([everywhere('operator')], 'admin')).toBe(false)
})

test('a role on some clusters is one there, and nowhere else', () => {
  const grants = [on('operator', 'web'), everywhere('viewer')]
  expect(allowed(grants, 'operator', 'web')).toBe(true)
  expect(allowed(grants, 'operator', 'db')).toBe(false)
  expect(allowed(grants, 'operator')).toBe(false)
  expect(allowed(grants, 'operator', null)).toBe(false)
  expect(allowed(grants, 'viewer', 'db')).toBe(true)
})

test('a refusal names the role that is needed and what there is instead', () => {
  expect(refusal([everywhere('admin')], 'operator')).toBe('')
  expect(refusal([on('viewer', 'web')], 'operator', 'web')).toBe(
    'This needs the role operator on this cluster; you have viewer on web.',
  )
  expect(inWords([on('viewer', 'a', 'b'), everywhere('viewer')])).toBe('viewer on 2 clusters, viewer on all clusters')
})

test('the token of a setup link is read from behind the #, with or without more', () => {
  expect(tokenIn('#token=cgu_x-Y_z')).toBe('cgu_x-Y_z')
  expect(tokenIn('#a=b&token=t')).toBe('t')
  expect(tokenIn('')).toBe('')
  expect(tokenIn('#other')).toBe('')
})

test('a new key ends after the days that were chosen, and is on all clusters when none is named', () => {
  const draft = { ...draftOfKey(undefined), name: ' ci ', expires: '7' }
  expect(specOfKey(draft, Date.UTC(2026, 2, 2))).toEqual({
    name: 'ci',
    grants: [{ role: 'operator', clusters: null }],
    expires_at: '2026-03-09T00:00:00.000Z',
  })
  expect(specOfKey({ ...draft, expires: 'never' }, 0)?.expires_at).toBeNull()
  expect(specOfKey({ ...draft, name: ' ' }, 0)).toBeNull()
})
