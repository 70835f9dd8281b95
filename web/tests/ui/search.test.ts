import { expect, test } from 'vitest'
import { flag, given, oneOf, parseSearch, stringifySearch, tableSearch, text, whole } from '~/ui/search'

test('what is not understood is left out, never an error', () => {
  expect(whole('abc')).toBeUndefined()
  expect(whole('-1')).toBeUndefined()
  expect(whole('1e99')).toBeUndefined()
  expect(oneOf('nonsense', ['failed', 'running'])).toBeUndefined()
  expect(text(['a'])).toBeUndefined()
  expect(tableSearch({ page: '0', sort: 'DROP TABLE', dir: 'sideways' }, ['name'])).toEqual({})
})

test('the URL holds plain words and comes back as it went', () => {
  const search = given({
    ...tableSearch({ page: '3', sort: 'name', dir: 'asc' }, ['name']),
    q: text('a&b=c #1'),
    create: flag('true'),
    none: undefined,
  })
  const url = stringifySearch(search)
  expect(url).toBe('?page=3&sort=name&dir=asc&q=a%26b%3Dc+%231&create=true')
  const back = parseSearch(url)
  expect(given({ ...tableSearch(back, ['name']), q: text(back.q), create: flag(back.create) })).toEqual(search)
})

test('the first page and an empty search leave no trace in the URL', () => {
  expect(stringifySearch(given(tableSearch({ page: '1' }, [])))).toBe('')
})

test('a name of 50 kB is cut to what a filter may hold', () => {
  expect(text('x'.repeat(50_000))).toHaveLength(255)
})
