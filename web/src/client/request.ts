/** One way to the server: same origin, cookie session, CSRF header, problem+json turned into `Refusal`. */
import type { Problem } from './types'

/** The server said no, in words for the reader. `status` 0 means that it could not be reached. */
export class Refusal extends Error {
  readonly code: string
  readonly status: number
  readonly problem: Problem | null

  constructor(status: number, code: string, problem: Problem | null) {
    super(code)
    this.status = status
    this.code = code
    this.problem = problem
  }

  /** The server's own sentence in the reader's language, or null where it sent none. */
  sentence(language: string): string | null {
    if (this.problem === null) return null
    const zh = language.startsWith('zh')
    const fields = (this.problem.fields ?? []).map((f) => (zh ? f.message_zh : f.message_en))
    return [zh ? this.problem.detail_zh : this.problem.detail_en, ...fields].join(' ')
  }
}

let csrf: string | null = null
let sessionLost: () => void = () => undefined

/** The token of the present session, sent with everything that is not a GET. */
export function keepCsrf(token: string | null): void {
  csrf = token
}

/** Who is told when the server no longer knows our session. */
export function onSessionLost(listener: () => void): void {
  sessionLost = listener
}

interface Options {
  body?: unknown
  /** The command id: the same key with the same body gets the first answer again. */
  key?: string
  signal?: AbortSignal
}

function headersFor(method: string, options: Options): Record<string, string> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'GET' && csrf !== null) headers['X-CSRF-Token'] = csrf
  if (options.key !== undefined) headers['Idempotency-Key'] = options.key
  return headers
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'detail_zh' in value
}

async function refusalFrom(response: Response): Promise<Refusal> {
  const body: unknown = await response.json().catch(() => null)
  if (isProblem(body)) return new Refusal(response.status, body.code, body)
  return new Refusal(response.status, 'server.unclear', null)
}

/** Sends one request and gives the decoded answer. Throws `Refusal`, or the abort error of `signal`. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const init: RequestInit = {
    method,
    headers: headersFor(method, options),
    credentials: 'same-origin',
    cache: 'no-store',
  }
  if (options.body !== undefined) init.body = JSON.stringify(options.body)
  if (options.signal !== undefined) init.signal = options.signal
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (error) {
    if (options.signal?.aborted === true) throw error
    throw new Refusal(0, 'server.unreachable', null)
  }
  if (!response.ok) {
    const refusal = await refusalFrom(response)
    if (refusal.status === 401) sessionLost()
    throw refusal
  }
  if (response.status === 204) return undefined as T
  return (await response.json()) as T
}
