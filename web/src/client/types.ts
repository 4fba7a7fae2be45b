/** Names for the server's shapes: the rest of the page imports from here, never from the schema. */
import type { components } from './schema'

type Schemas = components['schemas']

export type Session = Schemas['Session']
export type Problem = Schemas['Problem']
export type City = Schemas['City']
export type Category = Schemas['Category']
export type Level = Schemas['Level']
export type Status = Schemas['Status']
export type Place = Schemas['Place']
export type Organisation = Schemas['Organisation']
export type Summary = Schemas['Summary']
export type IncidentRow = Schemas['IncidentRow']
export type IncidentPage = Schemas['IncidentPage']
export type Incident = Schemas['Incident']
export type EntryView = Schemas['EntryView']
export type Candidate = Schemas['Candidate']
export type Answer = Schemas['Answer']
export type UnitRow = Schemas['UnitRow']

/** What a call-taker sends: one call, with the identifier made here so that a retry opens nothing twice. */
export interface Report {
  id: string
  channel: string
  category: string
  level?: number
  reported_at: string
  answered_at: string
  call_ended_at?: string
  caller_name?: string
  caller_phone?: string
  narrative: string
  place: { lon: number; lat: number; label: string }
  complete: boolean
}

/** One fix on the wire: unit, longitude, latitude, heading in degrees or null, time in epoch ms. */
export type PositionTuple = [unit: string, lon: number, lat: number, heading: number | null, at: number]

export type LiveMessage =
  | { type: 'snapshot'; cursor: string; now: string; incidents: IncidentRow[]; units: UnitRow[] }
  | { type: 'changes'; cursor: string; incidents: IncidentRow[]; gone: string[]; units: UnitRow[] }
  | { type: 'positions'; positions: PositionTuple[] }
  | { type: 'beat'; now: string; feed: 'ok' | 'stalled' }
