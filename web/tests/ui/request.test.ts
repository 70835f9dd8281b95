// @vitest-environment jsdom
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { asCli, asCurl, asPython, literal, shell } from '~/ui/request'

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
