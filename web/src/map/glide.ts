/**
 * Units glide from fix to fix instead of jumping. Pure: where everything is at a moment.
 *
 * A glide always ends where the unit reported itself to be; it is never guessed ahead of the last fix.
 */
import type { Fix } from '../journal/live'

export interface Point {
  lon: number
  lat: number
}

interface Glide {
  from: Point
  to: Point
  begun: number
}

export type Glides = ReadonlyMap<string, Glide>

/** Fixes come about once a second. */
export const GLIDE_MS = 1000

/** Beyond this (degrees, about 5 km) it was not driving: a first fix after silence, a scaled clock. */
const JUMP = 0.05

export function where(glide: Glide, now: number): Point {
  const share = Math.min(1, Math.max(0, (now - glide.begun) / GLIDE_MS))
  return {
    lon: glide.from.lon + (glide.to.lon - glide.from.lon) * share,
    lat: glide.from.lat + (glide.to.lat - glide.from.lat) * share,
  }
}

function toward(before: Glide | undefined, fix: Fix, now: number, still: boolean): Glide {
  const to = { lon: fix.lon, lat: fix.lat }
  if (before === undefined) return { from: to, to, begun: now }
  if (before.to.lon === to.lon && before.to.lat === to.lat) return before
  const from = where(before, now)
  const far = Math.abs(to.lon - from.lon) > JUMP || Math.abs(to.lat - from.lat) > JUMP
  return { from: still || far ? to : from, to, begun: now }
}

/** The glides once these fixes are known; `still` (reduced motion) puts every unit at its fix at once. */
export function follow(glides: Glides, fixes: ReadonlyMap<string, Fix>, now: number, still: boolean): Glides {
  const next = new Map<string, Glide>()
  for (const [unit, fix] of fixes) next.set(unit, toward(glides.get(unit), fix, now, still))
  return next
}

/** True when nothing moves any more. */
export function settled(glides: Glides, now: number): boolean {
  for (const { from, to, begun } of glides.values()) {
    const moves = from.lon !== to.lon || from.lat !== to.lat
    if (moves && now < begun + GLIDE_MS) return false
  }
  return true
}
