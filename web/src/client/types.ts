/** Names for the server's shapes: the rest of the page imports from here, never from the generated schema. */
import type { components } from './schema'

type Schemas = components['schemas']

export type Session = Schemas['Session']
export type OwnSession = Schemas['OwnSession']
export type HandOver = Schemas['HandOverView']
export type PolicyView = Schemas['PolicyView']
export type ResetView = Schemas['ResetView']
export type PasswordJudged = Schemas['PasswordJudged']
export type SignInChange = Schemas['SignInChange']
export type PersonView = Schemas['PersonView']
export type TrustView = Schemas['TrustView']
export type Category = Schemas['Category']
export type Level = Schemas['Level']
export type Status = Schemas['Status']
export type City = Schemas['City']
export type Place = Schemas['Place']
export type Organisation = Schemas['OrganisationView']
export type Summary = Schemas['Summary']
export type IncidentRow = Schemas['IncidentRow']
export type Incident = Schemas['IncidentDetail']
export type EntryView = Schemas['EntryView']
export type Candidate = Schemas['Candidate']
export type ApiToken = Schemas['TokenView']
export type TokenScope = Schemas['TokenWanted']['scopes'][number]
export type Look = Schemas['LookView']
export type Finding = Schemas['FindingView']
export type Sampled = Schemas['Sampled']
export type ReviewGiven = Schemas['ReviewGiven']
export type Answer = Schemas['Answer']
export type DueRow = Schemas['DueRow']
export type DuePage = Schemas['DuePage']
export type Keeping = Schemas['Keeping']
export type KeptTrack = Schemas['KeptTrack']
export type Telephone = Schemas['Telephone']
export type TelephoneCall = Schemas['TelephoneCall']
export type UnitRow = Schemas['UnitRow']
export type Report = Schemas['Report']
export type Problem = Schemas['Problem']

/** One fix on the wire: unit, longitude, latitude, heading in degrees or null, time in epoch ms. */
export type PositionTuple = [unit: string, lon: number, lat: number, heading: number | null, at: number]

/** What the live feed says. It is a WebSocket, so the OpenAPI document does not describe it. */
export type LiveMessage =
  | { type: 'snapshot'; cursor: string; now: string; incidents: IncidentRow[]; units: UnitRow[] }
  | { type: 'changes'; cursor: string; incidents: IncidentRow[]; gone: string[]; units: UnitRow[] }
  | { type: 'positions'; positions: PositionTuple[] }
  | { type: 'beat'; now: string; feed: 'ok' | 'stalled' }
