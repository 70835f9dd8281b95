// @vitest-environment jsdom
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { asCli, asCurl, asPython, command, literal, pythonList, shell } from '~/ui/request'

const nasty = `it's "$HOME" \`id\` \\ <b>; rm -rf /`

test('a word comes out of a shell as it went in', () => {
  expect(execFileSync('sh', ['-c', `printf %s ${shell(nasty)}`], { encoding: 'utf8' })).toBe(nasty)
})

test('a request is the same as curl, as a command and in Python', () => {
  const request = { method: 'POST' as const, path: '/clusters', body: { name: 'web', wanted_size: 3, region: null } }
  expect(asCurl(request)).toContain(
    '/api/v1/clusters -H \'Content-Type: application/json\' -d \'{"name":"web","wanted_size":3,"region":null}\'',
  )
  expect(asCli({ ...request, cli: ['cluster', 'create', 'my web'] })).toMatch(/^clustergenie cluster create 'my web'/)
  expect(asPython(request)).toContain(
    'client.request("POST", "/clusters", body={"name": "web", "wanted_size": 3, "region": None})',
  )
})

test('JSON becomes Python', () => {
  expect(literal({ a: [true, false, null], b: 'x"y' })).toBe('{"a": [True, False, None], "b": "x\\"y"}')
})

test('a filtered list is the same list elsewhere', () => {
  const cli = command(['job', 'list'], { status: 'failed', type: undefined, 'trace-id': '' })
  expect(asCli({ path: '/jobs', cli })).toMatch(/^clustergenie job list --status=failed/)
  expect(pythonList('jobs', { status: 'failed', type: undefined })).toBe('list(client.jobs.list(status="failed"))')
})

test('what has no command of its own goes through the general one', () => {
  expect(asCli({ path: 'root:/readyz', query: { a: 1, b: '' } })).toMatch(
    /^clustergenie api GET \/readyz --query a=1 --root/,
  )
})
