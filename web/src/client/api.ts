/** Every door of the server this page uses, one function each. */
import type { FeatureCollection } from 'geojson'
import { request } from './request'
import type {
  Answer,
  Candidate,
  City,
  EntryView,
  Incident,
  Organisation,
  Place,
  Report,
  Session,
  Summary,
} from './types'

type Items<T> = { items: T[] }

export const readSession = () => request<Session>('GET', '/api/session')

export const signIn = (username: string, password: string) =>
  request<Session>('POST', '/api/session', { body: { username, password } })

export const signOut = () => request<void>('DELETE', '/api/session')

export interface FirstAdministrator {
  token: string
  username: string
  name: string
  password: string
}
export const createFirst = (body: FirstAdministrator) => request<unknown>('POST', '/api/first', { body })

export const readCity = (signal?: AbortSignal) =>
  request<City>('GET', '/api/city', signal ? { signal } : {})

export const readCoast = () => request<FeatureCollection>('GET', '/api/city/coast')

export const readBoundaries = () => request<FeatureCollection>('GET', '/api/city/boundaries')

export async function findPlaces(text: string, signal: AbortSignal): Promise<Place[]> {
  const query = new URLSearchParams({ q: text, limit: '12' })
  return (await request<Items<Place>>('GET', `/api/city/places?${query}`, { signal })).items
}

export async function readOrganisations(): Promise<Organisation[]> {
  return (await request<Items<Organisation>>('GET', '/api/organisations')).items
}

export const readSummary = () => request<Summary>('GET', '/api/summary')

export const readIncident = (id: string, signal: AbortSignal) =>
  request<Incident>('GET', `/api/incidents/${id}`, { signal })

export async function readEntries(id: string, after: number, limit: number): Promise<EntryView[]> {
  const query = new URLSearchParams({ after: String(after), limit: String(limit) })
  const answer = await request<{ entries: EntryView[] }>('GET', `/api/incidents/${id}/entries?${query}`)
  return answer.entries
}

export async function readCandidates(id: string, signal: AbortSignal): Promise<Candidate[]> {
  const path = `/api/incidents/${id}/recommendations?limit=9`
  return (await request<{ candidates: Candidate[] }>('GET', path, { signal })).candidates
}

export const report = (body: Report, key: string) =>
  request<Answer>('POST', '/api/incidents', { body, key })

/** Performs one operation on a matter; `operation` is the last part of its address. */
export const operate = (id: string, operation: string, body: object, key: string) =>
  request<Answer>('POST', `/api/incidents/${id}/${operation}`, { body, key })
