/** Which matters the list shows, and in which order. Pure. */
import type { IncidentRow, Organisation } from '../client/types'
import type { Whereabouts } from '../ui/place'

export type Sieve = Pick<Whereabouts, 'levels' | 'state' | 'organisation' | 'text'>

/** An organisation with everything below it. */
export function subtree(organisations: readonly Organisation[], root: string): ReadonlySet<string> {
  const inside = new Set([root])
  let before = 0
  while (inside.size > before) {
    before = inside.size
    for (const one of organisations) if (one.parent !== null && inside.has(one.parent)) inside.add(one.id)
  }
  return inside
}

export function isOpenSieve(sieve: Sieve): boolean {
  return sieve.levels.length === 0 && sieve.state === '' && sieve.organisation === '' && sieve.text === ''
}

function contains(row: IncidentRow, words: string[], extra: (row: IncidentRow) => string): boolean {
  if (words.length === 0) return true
  const signs = row.orders.map((order) => order.call_sign)
  const hay = [row.number, row.place?.label ?? '', ...signs, extra(row)].join(' ').toLowerCase()
  return words.every((word) => hay.includes(word))
}

/** By level, then oldest first; the identifier settles a tie so that the order never jumps. */
function byNeed(a: IncidentRow, b: IncidentRow): number {
  return a.level - b.level || a.reported_at.localeCompare(b.reported_at) || a.id.localeCompare(b.id)
}

/** `names` gives the further words a row can be found by: its category and station in both languages. */
export function sift(
  rows: Iterable<IncidentRow>,
  sieve: Sieve,
  inside: ReadonlySet<string> | null,
  names: (row: IncidentRow) => string,
): IncidentRow[] {
  const words = sieve.text.toLowerCase().split(/\s+/).filter(Boolean)
  const fits = (row: IncidentRow) =>
    (sieve.levels.length === 0 || sieve.levels.includes(row.level)) &&
    (sieve.state === '' || row.state === sieve.state) &&
    (inside === null || inside.has(row.organisation)) &&
    contains(row, words, names)
  return [...rows].filter(fits).sort(byNeed)
}
