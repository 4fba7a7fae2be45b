/**
 * The live picture: what the feed has told, folded message by message. Pure.
 *
 * Invariant (tested): whoever joins late and gets a snapshot holds the same picture as whoever followed
 * every change. Positions are kept apart from units, so that the once-a-second stream of fixes leaves
 * the lists alone.
 */
import type { IncidentRow, LiveMessage, UnitRow } from '../client/types'

/** Where a unit was last seen. `at` in epoch ms, `heading` in degrees clockwise from north. */
export interface Fix {
  lon: number
  lat: number
  heading: number | null
  at: number
}

export type Unit = Omit<UnitRow, 'position'>

export interface LiveState {
  /** How far we are; sent back after a break. Null until the first snapshot. */
  cursor: string | null
  incidents: ReadonlyMap<string, IncidentRow>
  units: ReadonlyMap<string, Unit>
  fixes: ReadonlyMap<string, Fix>
  feed: 'ok' | 'stalled'
}

export const NOTHING_YET: LiveState = {
  cursor: null,
  incidents: new Map(),
  units: new Map(),
  fixes: new Map(),
  feed: 'ok',
}

function split(row: UnitRow): [Unit, Fix | null] {
  const { position, ...unit } = row
  if (position === null) return [unit, null]
  const { lon, lat, heading } = position
  return [unit, { lon, lat, heading, at: Date.parse(position.at) }]
}

type Snapshot = Extract<LiveMessage, { type: 'snapshot' }>
type Changes = Extract<LiveMessage, { type: 'changes' }>
type Positions = Extract<LiveMessage, { type: 'positions' }>

function applySnapshot(message: Snapshot): LiveState {
  const units = new Map<string, Unit>()
  const fixes = new Map<string, Fix>()
  for (const row of message.units) {
    const [unit, fix] = split(row)
    units.set(unit.id, unit)
    if (fix !== null) fixes.set(unit.id, fix)
  }
  const incidents = new Map(message.incidents.map((row) => [row.id, row]))
  return { cursor: message.cursor, incidents, units, fixes, feed: 'ok' }
}

function upsertIncidents(state: LiveState, message: Changes): LiveState['incidents'] {
  if (message.incidents.length === 0 && message.gone.length === 0) return state.incidents
  const incidents = new Map(state.incidents)
  for (const row of message.incidents) {
    const held = incidents.get(row.id)
    if (held === undefined || held.version <= row.version) incidents.set(row.id, row)
  }
  for (const id of message.gone) incidents.delete(id)
  return incidents
}

/** A unit without a position is off duty: its last fix goes, for officers are not tracked then. */
function upsertUnits(state: LiveState, message: Changes): Pick<LiveState, 'units' | 'fixes'> {
  if (message.units.length === 0) return { units: state.units, fixes: state.fixes }
  const units = new Map(state.units)
  const fixes = new Map(state.fixes)
  for (const row of message.units) {
    const [unit, fix] = split(row)
    units.set(unit.id, unit)
    if (fix === null) fixes.delete(unit.id)
    else if (fix.at >= (fixes.get(unit.id)?.at ?? 0)) fixes.set(unit.id, fix)
  }
  return { units, fixes }
}

function moveUnits(state: LiveState, message: Positions): LiveState {
  const fixes = new Map(state.fixes)
  let moved = false
  for (const [unit, lon, lat, heading, at] of message.positions) {
    if (!state.units.has(unit) || at < (fixes.get(unit)?.at ?? 0)) continue
    fixes.set(unit, { lon, lat, heading, at })
    moved = true
  }
  return moved ? { ...state, fixes } : state
}

/** The picture after one more message of the feed. Parts the message does not touch stay identical. */
export function applyLive(state: LiveState, message: LiveMessage): LiveState {
  switch (message.type) {
    case 'snapshot':
      return applySnapshot(message)
    case 'changes':
      if (state.cursor === null) return state
      return {
        ...state,
        ...upsertUnits(state, message),
        incidents: upsertIncidents(state, message),
        cursor: message.cursor,
      }
    case 'positions':
      return moveUnits(state, message)
    case 'beat':
      return message.feed === state.feed ? state : { ...state, feed: message.feed }
  }
}
