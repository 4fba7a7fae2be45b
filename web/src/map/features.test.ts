import { describe, expect, it } from 'vitest'
import type { IncidentRow, Level, Organisation, Status } from '../client/types'
import type { Fix, Unit } from '../journal/live'
import { PALETTES } from '../ui/tokens'
import { incidentFeatures, labelFeatures, linkFeatures, unitFeatures, type UnitScene } from './features'
import { follow } from './glide'

const colours = { shade: 'light', palette: PALETTES.light } as const
const level = (code: number): Level => ({
  code,
  name_zh: '',
  name_en: '',
  colour_light: '#C4321C',
  colour_dark: '#FF7A66',
})
const status = (code: string, group: Status['group']): Status => ({
  code,
  group,
  sign: '',
  name_zh: code,
  name_en: code,
  colour_light: '#0B5FA5',
  colour_dark: '#5AA9E6',
  alias: '',
})
const matter = (id: string, change: Partial<IncidentRow> = {}) =>
  ({ id, number: id, level: 1, place: { lon: 122, lat: 30, label: '示例' }, orders: [], ...change }) as IncidentRow

describe('matters on the map', () => {
  it('stand where they are, the highlighted and the gravest on top, hidden places nowhere', () => {
    const rows = [matter('a', { level: 3 }), matter('b'), matter('c', { place: null }), matter('d', { level: 4 })]
    const { features } = incidentFeatures(rows, 'd', [level(1), level(3)], colours)
    const order = features.features.map(({ properties }) => [properties?.['id'], properties?.['order']])
    expect(order).toEqual([
      ['a', -3],
      ['b', -1],
      ['d', 96],
    ])
  })

  it('name every icon they use, an unknown level too', () => {
    const { features, icons } = incidentFeatures([matter('a', { level: 7 })], null, [level(1)], colours)
    const names = icons.map((icon) => Object.values(icon).join('|'))
    expect(names).toContain(features.features[0]?.properties?.['icon'])
  })
})

describe('units on the map', () => {
  const fix: Fix = { lon: 122, lat: 30, heading: 45, at: 1_000_000 }
  const fixes = new Map([
    ['u1', fix],
    ['u2', fix],
    ['u3', fix],
  ])
  const base = { lon: 121, lat: 29 }
  const unit = (id: string, code: string) => ({ id, call_sign: id, status: code, on_duty: true, base }) as Unit
  const units = new Map(
    [unit('u1', '21'), unit('u2', 'off'), unit('u4', '10'), unit('u3', '10')].map((one) => [one.id, one]),
  )
  const scene: UnitScene = {
    units,
    fixes,
    glides: follow(new Map(), fixes, 0, false),
    statuses: [status('21', 'under_way'), status('off', 'off'), status('10', 'available')],
    chosen: null,
    now: fix.at,
    drawnAt: 0,
  }
  const drawn = (change: Partial<UnitScene> = {}) =>
    unitFeatures({ ...scene, ...change }, colours).features.features.map((one) => one.properties)

  it('are those on duty; an arrow turns by its heading, nothing else does', () => {
    expect(drawn().map((one) => [one?.['id'], one?.['turn']])).toEqual([
      ['u1', 45],
      ['u4', 0],
      ['u3', 0],
    ])
  })

  it('stand faintly at their base until they tell their place', () => {
    const { features } = unitFeatures(scene, colours).features
    const u4 = features.find((one) => one.properties?.['id'] === 'u4')
    expect(u4?.geometry).toEqual({ type: 'Point', coordinates: [121, 29] })
    expect(drawn().map((one) => one?.['shown'])).toEqual([1, 0.45, 1])
  })

  it('show a broken ring after a long silence', () => {
    const later = drawn({ now: fix.at + 301_000 }).filter((one) => one?.['id'] !== 'u4')
    for (const one of later) expect(one?.['icon']).toContain('broken')
    for (const one of drawn()) expect(one?.['icon']).not.toContain('broken')
  })

  it('are joined to the matter they go to until they are done with it', () => {
    const orders = ['under_way', 'finished', 'given'].map((state, index) => ({
      order: state,
      unit: `u${index + 1}`,
      call_sign: '',
      state,
    }))
    expect(linkFeatures(matter('a', { orders }), fixes).features).toHaveLength(2)
    expect(linkFeatures(undefined, fixes).features).toHaveLength(0)
  })
})

describe('labels', () => {
  it('are in the reader’s language, stations and counties only', () => {
    const place = { lon: 122, lat: 30, parent: null, path: '' }
    const all: Organisation[] = [
      { ...place, id: 'c', tier: 'county', name_zh: '定海', name_en: 'Dinghai' },
      { ...place, id: 'p', tier: 'partner', name_zh: '海事', name_en: 'Maritime' },
      { ...place, id: 's', tier: 'station', name_zh: '城东所', name_en: '' },
    ]
    const names = (language: string) =>
      labelFeatures(all, language).features.map((one) => one.properties?.['name'] as unknown)
    expect(names('zh-CN')).toEqual(['定海', '城东所'])
    expect(names('en')).toEqual(['Dinghai', '城东所'])
  })
})
