/**
 * One way to the server: same origin, cookie session, CSRF header, problem+json turned into `Refusal`.
 *
 * Addresses, bodies and answers are checked against the generated schema: a door the server does not have,
 * or a body it would not take, does not compile.
 */
import type { paths } from './schema'
import type { Problem } from './types'

type Method = 'get' | 'post' | 'delete'
type Json<T> = T extends { content: { 'application/json': infer J } } ? J : never
type Doing<P extends keyof paths, M extends Method> = Exclude<paths[P][M], undefined>

/** The body this door takes. */
export type Sent<P extends keyof paths, M extends Method> =
  Doing<P, M> extends { requestBody: infer B } ? Json<B> : undefined

/** What this door answers when all is well. */
export type Answered<P extends keyof paths, M extends Method> =
  Doing<P, M> extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 204)]> : never

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
    const chinese = language.startsWith('zh')
    const sentence = chinese ? this.problem.detail_zh : this.problem.detail_en
    const fields = (this.problem.fields ?? []).map(
      (field) => `${field.path}: ${chinese ? field.message_zh : field.message_en}`,
    )
    return fields.length === 0 ? sentence : `${sentence} (${fields.join('; ')})`
  }
}

let csrf: string | null = null
let sessionLost: () => void = () => undefined
let prove: () => Promise<boolean> = () => Promise.resolve(false)

/** The token of the present session, sent with everything that is not a GET. */
export function keepCsrf(token: string | null): void {
  csrf = token
}

/** Who asks the person to prove who is here; false when they would not. */
export function onProveAgain(asker: () => Promise<boolean>): void {
  prove = asker
}

/** Who is told when the server no longer knows our session. */
export function onSessionLost(listener: () => void): void {
  sessionLost = listener
}

export interface Options<P extends keyof paths, M extends Method> {
  /** Values for the `{names}` of the address. */
  path?: Record<string, string>
  query?: Record<string, string | number>
  /** A query already encoded, for names that stand more than once. */
  more?: string
  body?: Sent<P, M>
  /** The command id: the same key with the same body gets the first answer again. */
  key?: string
  signal?: AbortSignal
}

/** The address with its names filled in and its query appended. */
export function addressOf(
  template: string,
  path: Record<string, string> = {},
  query: Record<string, string | number> = {},
): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''))
  const words = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
  return words.size === 0 ? filled : `${filled}?${words}`
}

function headersFor(method: Method, body: unknown, key: string | undefined): Record<string, string> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'get' && csrf !== null) headers['X-CSRF-Token'] = csrf
  if (key !== undefined) headers['Idempotency-Key'] = key
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

async function reach(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init)
  } catch (error) {
    if (init.signal?.aborted === true) throw error
    throw new Refusal(0, 'server.unreachable', null)
  }
}

/** Whether a refused request may be sent again at once: the token was renewed meanwhile, or whoever is here has
 * just proven it. */
async function mayRepeat(refusal: Refusal, sentWith: string | null): Promise<boolean> {
  if (refusal.code === 'session.prove_again') return prove()
  const renewed = csrf !== null && sentWith !== null && csrf !== sentWith
  return renewed && (refusal.code === 'session.required' || refusal.code === 'session.csrf')
}

/** Sends until there is an answer for good. Throws `Refusal`, or the abort error of the signal. */
async function answered(address: string, init: () => RequestInit): Promise<Response> {
  for (let attempt = 0; ; attempt += 1) {
    const sentWith = csrf
    const response = await reach(address, init())
    if (response.ok) return response
    const refusal = await refusalFrom(response)
    if (attempt === 0 && (await mayRepeat(refusal, sentWith))) continue
    // A wrong password or code is a 401, too, and says nothing about the session.
    if (refusal.status === 401 && !refusal.code.startsWith('sign_in.')) sessionLost()
    throw refusal
  }
}

/** Asks one door and gives the decoded answer. Throws `Refusal`, or the abort error of `signal`. */
export async function request<P extends keyof paths, M extends Method>(
  method: M,
  template: P,
  options: Options<P, M> = {},
): Promise<Answered<P, M>> {
  const { body, key, signal } = options
  const init = (): RequestInit => ({
    method: method.toUpperCase(),
    headers: headersFor(method, body, key),
    credentials: 'same-origin',
    cache: 'no-store',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  })
  const address = addressOf(template, options.path, options.query)
  const response = await answered(options.more ? `${address}?${options.more}` : address, init)
  const text = await response.text()
  return (text === '' ? undefined : JSON.parse(text)) as Answered<P, M>
}

/** Fetches a file and hands it to the browser to keep. Throws `Refusal`. */
export async function download(address: string, name: string): Promise<void> {
  const response = await answered(address, () => ({ credentials: 'same-origin', cache: 'no-store' }))
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await response.blob())
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
