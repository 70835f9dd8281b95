// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test } from 'vitest'
import { api, ok, raw } from '~/api/client'
import { onSignedOut, setCsrfToken } from '~/api/session'

const seen: Request[] = []
let status = 200
const real = globalThis.fetch

beforeEach(() => {
  seen.length = 0
  status = 200
  globalThis.fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init)
    seen.push(request)
    const answer = new Response(JSON.stringify({ title: 'x', status }), {
      status,
      headers: { 'Content-Type': 'application/json' },
    })
    Object.defineProperty(answer, 'url', { value: request.url })
    return answer
  }
})
afterEach(() => {
  globalThis.fetch = real
  setCsrfToken(null)
})

const headers = () => seen.map((request) => request.headers.get('X-CSRF-Token'))

test('what changes something carries the token of the session; what reads does not', async () => {
  setCsrfToken('proof')
  await ok(api.GET('/api/v1/auth/me'))
  await ok(api.POST('/api/v1/auth/logout'))
  await raw('POST', '/api/v1/jobs', {}, { type: 'noop' })
  await raw('GET', '/api/v1/jobs')
  expect(headers()).toEqual([null, 'proof', 'proof', null])
})

test('without a session there is no token to send', async () => {
  await ok(api.POST('/api/v1/auth/logout'))
  expect(headers()).toEqual([null])
})

test('a call that is refused for want of a login is passed on; a wrong key at the login itself is not', async () => {
  let told = 0
  const deaf = onSignedOut(() => {
    told += 1
  })
  status = 401
  await expect(ok(api.GET('/api/v1/jobs'))).rejects.toThrow()
  expect(told).toBe(1)
  await expect(ok(api.POST('/api/v1/auth/login', { body: { key: 'x' } }))).rejects.toThrow()
  expect(told).toBe(1)
  status = 403
  await expect(ok(api.GET('/api/v1/jobs'))).rejects.toThrow()
  expect(told).toBe(1)
  deaf()
})
