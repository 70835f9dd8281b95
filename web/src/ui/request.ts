/** Say a request of this page as curl, as a command line and in Python: each runs as pasted. */
import { queryString, serverUrl } from '~/api/client'

export interface Request {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below /api/v1, or from the root when it starts with `root:`. */
  path: string
  query?: Record<string, string | number | undefined | null>
  body?: unknown
  /** The words after `clustergenie`; without them the general `api` command is used. */
  cli?: string[]
  /** What to print, given `client`; without it the general `request` is used. */
  python?: string
}

const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/

/** A word as a POSIX shell reads it. */
export function shell(word: string): string {
  return SAFE.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

function fullPath(request: Request): string {
  const path = request.path.startsWith('root:') ? request.path.slice(5) : `/api/v1${request.path}`
  return `${path}${queryString(request.query ?? {})}`
}

export function asCurl(request: Request): string {
  const method = request.method ?? 'GET'
  const words = ['curl', '-sS']
  if (method !== 'GET') words.push('-X', method)
  words.push(shell(`${serverUrl()}${fullPath(request)}`))
  if (request.body !== undefined) {
    words.push('-H', shell('Content-Type: application/json'), '-d', shell(JSON.stringify(request.body)))
  }
  return words.join(' ')
}

export function asCli(request: Request): string {
  const server = new URL(serverUrl())
  const usual = server.hostname === '127.0.0.1' && server.port === '8080' && server.pathname === '/'
  const words = request.cli ?? generalCli(request)
  const where = usual ? [] : ['--server', serverUrl()]
  return ['clustergenie', ...words, ...where].map(shell).join(' ')
}

function generalCli({ method, path, query, body }: Request): string[] {
  const root = path.startsWith('root:')
  const asked = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== '')
  return [
    'api',
    method ?? 'GET',
    root ? path.slice(5) : path,
    ...asked.flatMap(([name, value]) => ['--query', `${name}=${value}`]),
    ...(body === undefined ? [] : ['--data', JSON.stringify(body)]),
    ...(root ? ['--root'] : []),
  ]
}

type Flags = Record<string, string | number | undefined | null>

/** A command with those of the flags that have a value: `--status failed`. */
export function command(words: string[], flags: Flags): string[] {
  const given = Object.entries(flags).filter(([, value]) => value !== undefined && value !== null && value !== '')
  return [...words, ...given.map(([name, value]) => `--${name}=${value}`)]
}

/** How a list is asked for in Python, with those of the filters that have a value. */
export function pythonList(noun: string, filters: Flags): string {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined && value !== null && value !== '')
  return `list(client.${noun}.list(${given.map(([name, value]) => `${name}=${literal(value)}`).join(', ')}))`
}

/** The order of a list as the command line writes it: `-created_at`. */
export function sortFlag(search: { sort?: string; dir?: string }): string | undefined {
  return search.sort && `${search.dir === 'asc' ? '' : '-'}${search.sort}`
}

export function asPython(request: Request): string {
  const given = Object.entries(request.query ?? {}).filter(([, value]) => value !== undefined && value !== '')
  const parts = [`"${request.method ?? 'GET'}"`, literal(request.path)]
  if (given.length > 0) parts.push(`query=${literal(Object.fromEntries(given))}`)
  if (request.body !== undefined) parts.push(`body=${literal(request.body)}`)
  const call = request.python ?? `client.request(${parts.join(', ')}).json()`
  return `from clustergenie.client import Client\n\nwith Client(${literal(serverUrl())}) as client:\n    print(${call})\n`
}

/** A JSON value as Python writes it. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object') {
    const pairs = Object.entries(value).map(([name, one]) => `${literal(name)}: ${literal(one)}`)
    return `{${pairs.join(', ')}}`
  }
  return JSON.stringify(value)
}
