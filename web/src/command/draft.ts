/** A call as it is being written down, and the report it becomes. Pure. */
import type { Category, Report } from '../client/types'

export interface Draft {
  /** Made when the form is opened, so that sending twice opens one matter. Empty: nothing begun. */
  id: string
  /** When the call reached the desk (server clock, epoch ms). */
  begun: number
  label: string
  point: { lon: number; lat: number } | null
  category: string
  /** 0: as the category says. */
  level: number
  caller: string
  phone: string
  narrative: string
  channel: string
  /** The call of the telephone system it was taken from, and its times (epoch ms; 0: not known). */
  telephone: string
  rang: number
  answered: number
}

export const BLANK_DRAFT: Draft = {
  id: '',
  begun: 0,
  label: '',
  point: null,
  category: '',
  level: 0,
  caller: '',
  phone: '',
  narrative: '',
  channel: '',
  telephone: '',
  rang: 0,
  answered: 0,
}

/** Nobody has written anything in it; its identifier and time come by themselves. */
export function isUntouched(draft: Draft): boolean {
  const words = [draft.label, draft.category, draft.caller, draft.phone, draft.narrative, draft.telephone]
  return draft.point === null && draft.level === 0 && words.every((one) => one === '')
}

export type Missing = 'point' | 'category'

/** What must still be known before the report can be sent. */
export function missingIn(draft: Draft): Missing[] {
  const missing: Missing[] = []
  if (draft.point === null) missing.push('point')
  if (draft.category === '') missing.push('category')
  return missing
}

/** The level that will be sent: chosen, else the category's, else the third. */
export function levelOf(draft: Draft, categories: readonly Category[]): number {
  if (draft.level !== 0) return draft.level
  return categories.find((one) => one.code === draft.category)?.level ?? 3
}

/** A point on the map as words, for a place nobody has named: `30.0123°N 122.1034°E`. */
export function pointWords(point: { lon: number; lat: number }): string {
  const north = `${Math.abs(point.lat).toFixed(4)}°${point.lat < 0 ? 'S' : 'N'}`
  const east = `${Math.abs(point.lon).toFixed(4)}°${point.lon < 0 ? 'W' : 'E'}`
  return `${north} ${east}`
}

/**
 * A point typed as two numbers of degrees, in either order and with or without signs: `122.1034, 30.0123`,
 * `30.0123°N 122.1034°E`. Null for anything else. Two numbers below 90 are read as latitude, longitude.
 */
export function pointOf(words: string): { lon: number; lat: number } | null {
  const typed = /^\s*(-?\d{1,3}(?:\.\d+)?)\s*°?\s*([NSEWnsew]?)[\s,，]+(-?\d{1,3}(?:\.\d+)?)\s*°?\s*([NSEWnsew]?)\s*$/
  const found = typed.exec(words)
  if (found === null) return null
  const [, one, side, other, otherSide] = found.map((part) => part.toUpperCase())
  const first = Number(one) * (side === 'S' || side === 'W' ? -1 : 1)
  const second = Number(other) * (otherSide === 'S' || otherSide === 'W' ? -1 : 1)
  const turned = side === 'E' || side === 'W' || (side === '' && Math.abs(first) > 90)
  const [lat, lon] = turned ? [second, first] : [first, second]
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lon, lat } : null
}

/** Microdegrees (about 0.1 m) are as precise as a place is kept. */
const rounded = (degrees: number) => Math.round(degrees * 1e6) / 1e6

/**
 * The report of a draft with nothing missing. `now` (epoch ms, server clock) ends the call when `complete`.
 * Throws when something is missing.
 */
export function reportOf(draft: Draft, level: number, now: number, complete: boolean): Report {
  const { point } = draft
  if (point === null || draft.category === '') throw new Error('the draft is not ready')
  const rang = Math.min(draft.rang || draft.begun, now)
  const answered = Math.min(Math.max(draft.answered || draft.begun, rang), now)
  const report: Report = {
    id: draft.id,
    channel: draft.channel,
    category: draft.category,
    level,
    reported_at: new Date(rang).toISOString(),
    answered_at: new Date(answered).toISOString(),
    narrative: draft.narrative.trim(),
    place: {
      lon: rounded(point.lon),
      lat: rounded(point.lat),
      label: draft.label.trim() || pointWords(point),
    },
    complete,
  }
  if (complete) report.call_ended_at = new Date(now).toISOString()
  if (draft.caller.trim() !== '') report.caller_name = draft.caller.trim()
  if (draft.phone.trim() !== '') report.caller_phone = draft.phone.trim()
  return report
}

/** A category for the select: `line` is its whole name in both languages, to be found by. */
export interface CategoryChoice {
  value: string
  label: string
  find: string
}

/** Categories which can be chosen: the leaves, for a call is filed as precisely as is known. */
export function choices(categories: readonly Category[], name: (code: string) => string): CategoryChoice[] {
  const parents = new Set(categories.map((one) => one.parent))
  return categories
    .filter((one) => !parents.has(one.code))
    .map((one) => ({
      value: one.code,
      label: name(one.code),
      find: `${one.code} ${one.name_zh} ${one.name_en} ${name(one.code)}`.toLowerCase(),
    }))
}
