/** Every door of the server this page uses, one function each. */
import type { FeatureCollection } from 'geojson'
import { type Answered, addressOf, request, type Sent } from './request'
import type { Answer, Candidate, EntryView, Organisation, PersonView, Place, Report, ReviewGiven, Sampled } from './types'

export const readSession = () => request('get', '/api/session')

export const signIn = (username: string, password: string) =>
  request('post', '/api/session', { body: { username, password } })

export const enterCode = (code: string) => request('post', '/api/session/code', { body: { code } })

export const prove = (password: string, code: string) =>
  request('post', '/api/session/prove', { body: { password, code } })

export const changePassword = (old: string, fresh: string) =>
  request('post', '/api/session/password', { body: { old, new: fresh } })

export const readFactor = () => request('get', '/api/session/factor')

export const beginFactor = () => request('post', '/api/session/factor')

export const confirmFactor = (code: string) =>
  request('post', '/api/session/factor/confirm', { body: { code } })

export const freshCodes = () => request('post', '/api/session/factor/codes')

export const removeFactor = () => request('delete', '/api/session/factor')

export const readSessions = () => request('get', '/api/sessions')

export const endSession = (session: string) =>
  request('delete', '/api/sessions/{session}', { path: { session } })

export const endOtherSessions = () => request('delete', '/api/sessions')

export const handOver = (body: Sent<'/api/session/hand-over', 'post'>) =>
  request('post', '/api/session/hand-over', { body })

export const readHandOvers = () => request('get', '/api/hand-overs')

export const readPolicies = () => request('get', '/api/policies')

export const setPolicy = (
  organisation: string,
  body: Sent<'/api/organisations/{organisation}/policy', 'post'>,
) => request('post', '/api/organisations/{organisation}/policy', { path: { organisation }, body })

export const readResets = () => request('get', '/api/resets')

export const confirmReset = (reset: string) =>
  request('post', '/api/resets/{reset}/confirm', { path: { reset } })

export const declineReset = (reset: string) => request('delete', '/api/resets/{reset}', { path: { reset } })

export const readChanges = () => request('get', '/api/sign-in-changes')

export const readChange = (one: string) =>
  request('post', '/api/sign-in-changes/{change_id}/read', { path: { change_id: one } })

export const judgePassword = (password: string) =>
  request('post', '/api/session/password/judge', { body: { password } })

export const judgeFirstPassword = (username: string, password: string) =>
  request('post', '/api/first/judge', { body: { username, password } })

export const readDenials = (what: string, before: number | null) =>
  request('get', '/api/denials', { query: { what, limit: 50, ...(before === null ? {} : { before }) } })

/** All people one may read, page by page. */
export async function readEverybody(): Promise<PersonView[]> {
  const found: PersonView[] = []
  let after: string | null = ''
  while (after !== null) {
    const page: Answered<'/api/people', 'get'> = await request('get', '/api/people', { query: { after, limit: 500 } })
    found.push(...page.items)
    after = page.next
  }
  return found
}

export const askReset = (person: string, body: Sent<'/api/people/{person}/resets', 'post'>) =>
  request('post', '/api/people/{person}/resets', { path: { person }, body })

export const readTrust = () => request('get', '/api/trust-requests')

export const confirmTrust = (one: string) =>
  request('post', '/api/trust-requests/{request_id}/confirm', { path: { request_id: one } })

export const declineTrust = (one: string) =>
  request('delete', '/api/trust-requests/{request_id}', { path: { request_id: one } })

export const signOut = () => request('delete', '/api/session')

export const createFirst = (body: Sent<'/api/first', 'post'>) => request('post', '/api/first', { body })

export const readCity = (signal: AbortSignal) => request('get', '/api/city', { signal })

/** The document has no shape for GeoJSON: the server passes the pack's file through unchanged. */
const asGeoJson = (answer: Promise<unknown>) => answer as Promise<FeatureCollection>

export const readCoast = () => asGeoJson(request('get', '/api/city/coast'))

export const readBoundaries = () => asGeoJson(request('get', '/api/city/boundaries'))

export async function findPlaces(text: string, signal: AbortSignal): Promise<Place[]> {
  return (await request('get', '/api/city/places', { query: { q: text, limit: 12 }, signal })).items
}

export async function readOrganisations(): Promise<Organisation[]> {
  return (await request('get', '/api/organisations')).items
}

export async function readTokens(signal: AbortSignal) {
  return (await request('get', '/api/tokens', { signal })).items
}

export const createToken = (body: Sent<'/api/tokens', 'post'>) => request('post', '/api/tokens', { body })

export const revokeToken = (token: string) =>
  request('delete', '/api/tokens/{token}', { path: { token }, query: { reason: 'revoked' } })

export async function readProviders(signal: AbortSignal) {
  return (await request('get', '/api/oidc', { signal })).items
}

export async function readOwnIdentities(signal: AbortSignal) {
  return (await request('get', '/api/oidc/identities', { signal })).items
}

export const bindOwnIdentity = (provider: string) =>
  request('post', '/api/oidc/{provider}/bind', { path: { provider } })

export const unbindOwnIdentity = (identity: string) =>
  request('delete', '/api/oidc/identities/{identity}', { path: { identity } })

export const readTelephone = () => request('get', '/api/telephone')

export const sitDown = (body: Sent<'/api/telephone/desk', 'post'>) => request('post', '/api/telephone/desk', { body })

export const leaveDesk = () => request('delete', '/api/telephone/desk')

export const takeCall = (call: string) => request('post', '/api/telephone/calls/{call}/take', { path: { call } })

export const joinCall = (call: string, matter: string) =>
  request('post', '/api/telephone/calls/{call}/join', { path: { call }, body: { matter } })

export const calledBack = (call: string, body: Sent<'/api/telephone/calls/{call}/called_back', 'post'>) =>
  request('post', '/api/telephone/calls/{call}/called_back', { path: { call }, body })

export const readSummary = () => request('get', '/api/summary')

export const readIncident = (matter: string, signal: AbortSignal) =>
  request('get', '/api/incidents/{matter}', { path: { matter }, signal })

export async function readEntries(matter: string, after: number, limit: number): Promise<EntryView[]> {
  const options = { path: { matter }, query: { after, limit } }
  return (await request('get', '/api/incidents/{matter}/entries', options)).entries
}

export const unmask = (matter: string) =>
  request('post', '/api/incidents/{matter}/unmask', { path: { matter }, body: {} })

/** Filters of the access log; what is empty is not asked for. */
export type LogFilter = Partial<Record<'person' | 'what' | 'outcome' | 'justification' | 'since' | 'until', string>>

const given = (filter: LogFilter) =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== '')) as Record<string, string>

export const readAccess = (filter: LogFilter, before: number | null, signal: AbortSignal) =>
  request('get', '/api/access', {
    query: { ...given(filter), limit: 100, ...(before === null ? {} : { before }) },
    signal,
  })

export const exportAddress = (filter: LogFilter) => addressOf('/api/access/export', {}, given(filter))

export const readFindings = (days: number, signal: AbortSignal) =>
  request('get', '/api/oversight/findings', { query: { days }, signal })

export async function readSample(signal: AbortSignal): Promise<Sampled[]> {
  return (await request('get', '/api/oversight/sample', { signal })).items
}

export const reviewLook = (body: ReviewGiven) => request('post', '/api/oversight/sample', { body })

export async function readCandidates(matter: string, signal: AbortSignal): Promise<Candidate[]> {
  const options = { path: { matter }, query: { limit: 9 }, signal }
  return (await request('get', '/api/incidents/{matter}/recommendations', options)).candidates
}

export const report = (body: Report, key: string) => request('post', '/api/incidents', { body, key })

/** The operations this page performs; each is the last part of its address. */
export type Operation =
  | 'dispatch'
  | 'complete'
  | 'accept_transfer'
  | 'confirm_cancel'
  | 'remark'
  | 'urge'
  | 'return_feedback'
  | 'close'
  | 'call_back'
  | 'archive'

type Address = `/api/incidents/{matter}/${Operation}`
export type OperationBody = Sent<Address, 'post'>

export function operate(
  matter: string,
  operation: Operation,
  body: OperationBody,
  key: string,
): Promise<Answer> {
  const address: Address = `/api/incidents/{matter}/${operation}`
  return request('post', address, { path: { matter }, body, key })
}

/** What of the due list to show; what is empty is not asked for. */
export interface Sought {
  statuses: readonly string[]
  of: string
  until: string
  after: string | null
}

function soughtAddress(sought: Sought): string {
  const words = new URLSearchParams()
  for (const status of sought.statuses) words.append('status', status)
  if (sought.of !== '') words.append('class', sought.of)
  if (sought.until !== '') words.append('until', sought.until)
  if (sought.after !== null) words.append('after', sought.after)
  return words.toString()
}

export const dueExport = (sought: Sought) => `/api/retention/due.csv?${soughtAddress(sought)}`

export const GONE_EXPORT = '/api/retention/gone.csv'

/** `status` may stand several times in the address, which `request` does not know of. */
export const readDue = (sought: Sought, signal: AbortSignal) =>
  request('get', '/api/retention/due', { more: soughtAddress(sought), signal })

export const readGone = (after: string | null, signal: AbortSignal) =>
  request('get', '/api/retention/gone', { query: after === null ? {} : { after }, signal })

export const readHolds = (signal: AbortSignal) => request('get', '/api/retention/holds', { signal })

export const readSealings = (signal: AbortSignal) => request('get', '/api/retention/sealings', { signal })

export const readClasses = (signal: AbortSignal) => request('get', '/api/retention/classes', { signal })

export const readKeeping = (matter: string, signal: AbortSignal) =>
  request('get', '/api/retention/matters/{matter}', { path: { matter }, signal })

export type KeepingWord =
  | 'place_hold'
  | 'lift_hold'
  | 'keep_longer'
  | 'propose_erasure'
  | 'decline_erasure'
  | 'approve_erasure'
  | 'seal'
  | 'ask_unsealing'
  | 'approve_unsealing'
  | 'restrict'
  | 'lift_restriction'
  | 'correct_caller'
  | 'keep_track'

type KeepingAddress = `/api/retention/matters/{matter}/${KeepingWord}`
export type KeepingBody = Sent<KeepingAddress, 'post'>

export const readTrack = (matter: string, number: number) =>
  request('get', '/api/retention/matters/{matter}/tracks/{number}', { path: { matter, number: String(number) } })

export function keep(matter: string, step: KeepingWord, body: KeepingBody, key: string): Promise<Answer> {
  const address: KeepingAddress = `/api/retention/matters/{matter}/${step}`
  return request('post', address, { path: { matter }, body, key })
}
