/** Turn every way a call can fail into one shape that says what, why and what to do about it. */

export interface FieldError {
  pointer: string
  detail: string
}

export interface ProblemBody {
  type?: string
  title?: string
  status?: number
  detail?: string
  errors?: FieldError[]
  request_id?: string
  trace_id?: string
}

/** A call that did not succeed. `status` is 0 when no answer came. */
export class Problem extends Error {
  readonly status: number
  readonly kind: string
  readonly title: string
  readonly detail: string
  readonly errors: FieldError[]
  readonly requestId: string
  readonly traceId: string
  readonly retryAfter: number | null
  readonly call: string
  readonly at = new Date()

  constructor(body: ProblemBody, more: { status: number; call: string; retryAfter?: number | null }) {
    super(body.detail || body.title || `HTTP ${more.status}`)
    this.name = 'Problem'
    this.status = more.status
    this.kind = (body.type ?? '').split('/').pop() ?? ''
    this.title = body.title || TITLES[more.status] || 'The request did not succeed.'
    this.detail = body.detail ?? ''
    this.errors = Array.isArray(body.errors) ? body.errors : []
    this.requestId = body.request_id ?? ''
    this.traceId = body.trace_id ?? ''
    this.retryAfter = more.retryAfter ?? null
    this.call = more.call
  }
}

const TITLES: Record<number, string> = {
  0: 'The server does not answer.',
  401: 'You are not signed in.',
  403: 'You are not allowed to do this.',
  404: 'There is no such thing.',
  409: 'This clashes with what is there.',
  413: 'That is too large.',
  422: 'The request is not valid.',
  429: 'Too many requests.',
  500: 'Something went wrong inside the server.',
  502: 'The proxy could not reach the server.',
  503: 'The server cannot take this right now.',
  504: 'The proxy waited too long for the server.',
}

const FIXES: Record<number, string> = {
  0: 'Check that ClusterGenie runs and that this computer can reach it. This page tries again by itself.',
  401: 'Sign in again; what you typed here is kept.',
  403: 'Ask an administrator for a role that permits it.',
  404: 'It may have been deleted, or the address may be mistyped. Go back to the list.',
  409: 'Look at what changed, then decide again.',
  413: 'Send less at once.',
  422: 'Correct the marked fields and try again.',
  429: 'Wait a moment, then try again.',
  500: 'This is a bug. Please report it with the request id below.',
  502: 'Check the reverse proxy and that ClusterGenie runs behind it.',
  503: 'Try again in a few seconds.',
  504: 'Try again; if it stays, look at the server’s log for the request id.',
}

export interface Explanation {
  what: string
  why: string
  fix: string
}

/** What happened, why, and what helps: the three sentences of every error that is shown. */
export function explain(error: unknown): Explanation {
  if (!(error instanceof Problem)) {
    const why = error instanceof Error ? error.message : String(error)
    return { what: 'This part of the page broke.', why, fix: 'Try again; if it stays, report it with these details.' }
  }
  const wait = error.retryAfter === null ? '' : `Wait ${error.retryAfter} s, then try again.`
  const other =
    error.kind === 'not-answered' ? 'Check the address, and that the other server can be reached from here.' : ''
  return {
    what: error.title,
    why: error.detail,
    fix:
      wait ||
      other ||
      FIXES[error.status] ||
      (error.status >= 500 ? (FIXES[503] ?? '') : 'Correct the request and try again.'),
  }
}

/** The details to paste into a bug report: everything that identifies the failure, nothing secret. */
export function details(error: unknown): string {
  const { what, why, fix } = explain(error)
  const lines = [`what: ${what}`, `why: ${why}`, `fix: ${fix}`]
  if (error instanceof Problem) {
    lines.push(`call: ${error.call}`, `status: ${error.status}`)
    for (const one of error.errors) lines.push(`at ${one.pointer || 'the body'}: ${one.detail}`)
    if (error.requestId) lines.push(`request id: ${error.requestId}`)
    if (error.traceId) lines.push(`trace id: ${error.traceId}`)
    lines.push(`time: ${error.at.toISOString()}`)
  }
  lines.push(`page: ${globalThis.location?.href ?? ''}`)
  return lines.join('\n')
}

/** `/parameters/count` → `parameters.count`, the way forms name their fields; `?name` → `name`. */
export function fieldOf(pointer: string): string {
  return pointer.replace(/^[/?]/, '').replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~')
}

/** Whether trying the same call again, later, may help. */
export function isPassing(error: unknown): boolean {
  return error instanceof Problem && [0, 429, 502, 503, 504].includes(error.status)
}
