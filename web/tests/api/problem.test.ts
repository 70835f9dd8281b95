// @vitest-environment jsdom
import { expect, test } from 'vitest'
import { ok, problemOf } from '~/api/client'
import { details, explain, fieldOf, isPassing, Problem } from '~/api/problem'

const conflict = {
  type: 'https://clustergenie.dev/problems/cluster-changed',
  title: 'The cluster was changed by somebody else meanwhile.',
  status: 409,
  detail: 'cluster-1 is at revision 3, not 2.',
  errors: [],
  request_id: 'r1',
  trace_id: 't1',
}

test.each([401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 0])(
  '%i says what, why and what to do, even without a body',
  (status) => {
    const { what, fix } = explain(new Problem({}, { status, call: '/x' }))
    expect(what).not.toBe('')
    expect(fix).not.toBe('')
  },
)

test('a problem of ours is told in its own words', async () => {
  const response = Response.json(conflict, { status: 409 })
  const problem = await ok(Promise.resolve({ error: conflict, response })).catch((reason: unknown) => reason)
  expect(problem).toBeInstanceOf(Problem)
  expect(explain(problem)).toMatchObject({ what: conflict.title, why: conflict.detail })
  expect((problem as Problem).kind).toBe('cluster-changed')
  expect(details(problem)).toContain('request id: r1')
})

test('a page of a proxy in place of an answer is a problem too', () => {
  const response = new Response('<html>Bad gateway</html>', { status: 502, headers: { 'x-request-id': 'r9' } })
  const problem = problemOf(response, '<html>Bad gateway</html>')
  expect(problem.requestId).toBe('r9')
  expect(isPassing(problem)).toBe(true)
})

test('no answer at all says so', async () => {
  const problem = await ok(Promise.reject(new TypeError('fetch failed'))).catch((reason: unknown) => reason)
  expect(explain(problem).what).toBe('The server does not answer.')
})

test('how long to wait is said when the server said it', () => {
  const response = new Response('{}', { status: 429, headers: { 'retry-after': '7' } })
  expect(explain(problemOf(response, {})).fix).toBe('Wait 7 s, then try again.')
})

test('pointers become the names of fields', () => {
  expect(fieldOf('/parameters/count')).toBe('parameters.count')
  expect(fieldOf('?page_size')).toBe('page_size')
})
