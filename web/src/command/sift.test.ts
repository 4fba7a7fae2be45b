import { describe, expect, it } from 'vitest'
import type { IncidentRow, Organisation } from '../client/types'
import { isOpenSieve, type Sieve, sift, subtree } from './sift'

const open: Sieve = { levels: [], state: '', organisation: '', text: '' }

function row(id: string, level: number, minute: number, change: Partial<IncidentRow> = {}): IncidentRow {
  return {
    id,
    level,
    number: `330900-${id}`,
    state: 'waiting',
    organisation: 'st1',
    reported_at: `2026-11-23T06:${String(minute).padStart(2, '0')}:00Z`,
    place: { lon: 0, lat: 0, label: `示例路 ${id} 号` },
    orders: [],
    category: 'dispute',
    ...change,
  } as IncidentRow
}

const rows = [
  row('a', 3, 1),
  row('b', 1, 9),
  row('c', 3, 0, { organisation: 'st2', orders: [{ order: 'x', unit: 'u', call_sign: '东港03', state: 'given' }] }),
  row('d', 1, 2, { state: 'on_scene' }),
]
const ids = (sieve: Partial<Sieve>, inside: ReadonlySet<string> | null = null) =>
  sift(rows, { ...open, ...sieve }, inside, () => '纠纷 Dispute').map((one) => one.id)

describe('sift', () => {
  it('puts the gravest first and the oldest of these before the others', () => {
    expect(ids({})).toEqual(['d', 'b', 'c', 'a'])
  })

  it('keeps one order for equal rows', () => {
    const twins = [row('z', 2, 1), row('y', 2, 1)]
    const sifted = (given: IncidentRow[]) => sift(given, open, null, () => '').map((one) => one.id)
    expect(sifted(twins)).toEqual(sifted([...twins].reverse()))
  })

  it('sifts by level, state, organisation and words', () => {
    expect(ids({ levels: [1] })).toEqual(['d', 'b'])
    expect(ids({ state: 'on_scene' })).toEqual(['d'])
    expect(ids({ organisation: 'st2' }, new Set(['st2']))).toEqual(['c'])
    expect(ids({ text: '东港03' })).toEqual(['c'])
    expect(ids({ text: 'DISPUTE 示例路 a' })).toEqual(['a'])
    expect(ids({ text: 'nothing like it' })).toEqual([])
  })
})

describe('subtree', () => {
  const organisation = (id: string, parent: string | null) => ({ id, parent }) as Organisation

  it('holds the organisation and all below, in whatever order they are listed', () => {
    const all = [organisation('st1', 'c1'), organisation('c1', 'city'), organisation('city', null)]
    expect([...subtree(all, 'city')].sort()).toEqual(['c1', 'city', 'st1'])
    expect([...subtree(all, 'c1')].sort()).toEqual(['c1', 'st1'])
  })
})

describe('isOpenSieve', () => {
  it('is true only when nothing is held back', () => {
    expect(isOpenSieve(open)).toBe(true)
    expect(isOpenSieve({ ...open, levels: [2] })).toBe(false)
  })
})
