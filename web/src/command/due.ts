/** How long a matter has waited for its next hand-off. Pure. */
import type { IncidentRow } from '../client/types'

export interface Waiting {
  /** The clock's name, as the pack has it. */
  name: string
  /** Share of the allowed time gone, 0 to 1. */
  share: number
  /** Milliseconds left; negative once it is too late. */
  left: number
}

/** The clock that runs for this matter, or null where none does. */
export function waiting(row: Pick<IncidentRow, 'due' | 'state_since'>, now: number): Waiting | null {
  if (row.due === null) return null
  const end = Date.parse(row.due.at)
  const begin = Date.parse(row.state_since)
  const allowed = end - begin
  const share = allowed <= 0 ? 1 : (now - begin) / allowed
  return { name: row.due.name, share: Math.min(1, Math.max(0, share)), left: end - now }
}

export type Need = 'now' | 'soon' | 'none'

const SOON = 0.7
const UNTAKEN = new Set(['received', 'waiting', 'dispatched'])

/** Does this matter need a hand: its clock is over, or it was escalated and nobody has taken it yet. */
export function needOf(row: IncidentRow, now: number): Need {
  const clock = waiting(row, now)
  if (clock !== null && clock.left <= 0) return 'now'
  if (UNTAKEN.has(row.state) && (row.escalated || row.missed.length > 0)) return 'now'
  return clock !== null && clock.share >= SOON ? 'soon' : 'none'
}
