import { describe, expect, it } from 'vitest'
import type { EntryView } from '../client/types'
import { type Lookup, narrate, weightOf } from './narrate'

const look: Lookup = {
  category: (code) => `c:${code}`,
  level: (code) => `L${code}`,
  organisation: (id) => `o:${id}`,
  channel: (code) => code,
  clock: (name) => `clock:${name}`,
  word: (group, code) => `${group}.${code}`,
  time: (moment) => moment.slice(11, 19),
}

function entry(number: number, kind: string, body: EntryView['body']): EntryView {
  const at = `2026-11-23T06:0${number}:00Z`
  return {
    number,
    kind,
    happened_at: at,
    recorded_at: at,
    actor: { id: 'p1', name: '示例 甲' },
    role: 'dispatcher',
    organisation: 'city',
    command: 'c',
    body,
  }
}

const reported = entry(1, 'incident.reported', {
  channel: '110',
  level: 2,
  category: 'dispute',
  narrative: '两人争吵',
  place: { lon: 122, lat: 30, label: '示例路 1 号' },
  reported_at: '2026-11-23T06:00:00Z',
})

const texts = (entries: EntryView[], index: number) =>
  narrate(entries, look)[index]?.particulars.map((one) => one.text)

describe('narrate', () => {
  it('tells a report with its names', () => {
    expect(texts([reported], 0)).toEqual([
      '110',
      'L2',
      'c:dispute',
      '示例路 1 号',
      '两人争吵',
      'time.reported_at 06:00:00',
    ])
  })

  it('strikes a wrong place and shows its replacement, once', () => {
    const first = entry(2, 'incident.place_corrected', { place: { label: '示例路 2 号' }, reason: '听错' })
    const second = entry(3, 'incident.place_corrected', { place: { label: '示例路 3 号' }, reason: '再核' })
    const lines = narrate([reported, first, second], look)
    const place = (index: number) => lines[index]?.particulars.find((one) => one.field === 'place')
    expect(place(0)?.replaced).toEqual({ text: '示例路 2 号', number: 2 })
    expect(place(1)?.replaced).toEqual({ text: '示例路 3 号', number: 3 })
    expect(place(2)?.replaced).toBeUndefined()
  })

  it('strikes only the time that was wrong', () => {
    const fix = entry(2, 'incident.time_corrected', {
      field: 'reported_at',
      at: '2026-11-23T05:58:00Z',
      reason: '看错',
    })
    const line = narrate([reported, fix], look)[0]
    expect(line?.particulars.filter((one) => one.replaced).map((one) => one.field)).toEqual(['reported_at'])
  })

  it('keeps the first category beside the final one, but strikes a wrong one', () => {
    const final = entry(2, 'incident.categorised', { category: 'theft', final: true })
    const wrong = entry(2, 'incident.categorised', { category: 'theft', final: false })
    const struck = (fact: EntryView) =>
      narrate([reported, fact], look)[0]?.particulars.some((one) => one.replaced !== undefined)
    expect(struck(final)).toBe(false)
    expect(struck(wrong)).toBe(true)
  })

  it('names the unit of every step of an order', () => {
    const given = entry(2, 'order.given', { order: 'x', unit: 'u1', call_sign: '东港03' })
    const arrived = entry(3, 'order.arrived', { order: 'x', away_m: 40 })
    expect(texts([reported, given, arrived], 2)).toEqual(['东港03', 'count.away 40 m'])
  })

  it('says what it can of a kind it has never seen, and of erased words', () => {
    expect(texts([entry(1, 'whistle.blown', { reason: '求援', text: null })], 0)).toEqual(['求援'])
    expect(texts([entry(1, 'incident.remarked', { text: null })], 0)).toEqual([])
  })
})

describe('weight', () => {
  it.each([
    ['order.given', 'decision'],
    ['order.arrived', 'step'],
    ['incident.remarked', 'message'],
    ['incident.clock_missed', 'alarm'],
    ['whistle.blown', 'step'],
  ])('%s is a %s', (kind, weight) => {
    expect(weightOf(kind)).toBe(weight)
  })
})
