/** The one way to the API: typed by its own OpenAPI description, under whatever path the console is served. */
import createClient, { type Middleware } from 'openapi-fetch'
import { Problem, type ProblemBody } from '~/api/problem'
import type { components, paths } from '~/api/schema'
import { noteServer } from '~/api/server'
import { noteAnswer, proof } from '~/api/session'

export type Schemas = components['schemas']

/** Where the server is, without a slash at the end; may carry a path, as in https://ops.example.com/genie. */
export function serverUrl(): string {
  return new URL('.', document.baseURI).href.replace(/\/$/, '')
}

const observe: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(proof(request.method))) request.headers.set(name, value)
  },
  onResponse({ response }) {
    noteServer(response)
    noteAnswer(response)
  },
}

export const api = createClient<paths>({
  baseUrl: serverUrl(),
  credentials: 'same-origin',
  // Looked up at each call, so that tests and browsers may replace it.
  fetch: (request) => globalThis.fetch(request),
})
api.use(observe)

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The body of a successful answer; anything else becomes a Problem. */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await call
  } catch (reason) {
    if (reason instanceof DOMException && reason.name === 'AbortError') throw reason
    throw unreachable(reason, 'fetch')
  }
  if (answer.response.ok) return answer.data as T
  throw problemOf(answer.response, answer.error)
}

function unreachable(reason: unknown, call: string): Problem {
  const detail = reason instanceof Error ? reason.message : String(reason)
  return new Problem({ detail: `No answer from ${serverUrl()} (${detail}).` }, { status: 0, call })
}

/** The Problem in an answer, whether or not its body is one of ours (a proxy's is not). */
export function problemOf(response: Response, body: unknown): Problem {
  const known = typeof body === 'object' && body !== null ? (body as ProblemBody) : {}
  const after = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new Problem(
    { ...known, request_id: known.request_id || (response.headers.get('x-request-id') ?? '') },
    {
      status: response.status,
      call: response.url.replace(serverUrl(), ''),
      retryAfter: Number.isFinite(after) ? after : null,
    },
  )
}

/** A call that the description does not know yet. `path` begins with /api/v1. */
export async function raw<T>(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  query: Query = {},
  body?: unknown,
): Promise<T> {
  const url = `${serverUrl()}${path}${queryString(query)}`
  let response: Response
  try {
    response = await globalThis.fetch(url, {
      method,
      headers: { ...proof(method), ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      body: body === undefined ? null : JSON.stringify(body),
    })
  } catch (reason) {
    throw unreachable(reason, `${method} ${path}`)
  }
  noteServer(response)
  noteAnswer(response)
  const content: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw problemOf(response, content)
  return content as T
}

export type Query = Record<string, string | number | boolean | undefined | null>

/** `?a=1&b=2`, without what is undefined, null or empty. */
export function queryString(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '')
  if (given.length === 0) return ''
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}
