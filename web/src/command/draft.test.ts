import { describe, expect, it } from 'vitest'
import type { Category } from '../client/types'
import { BLANK_DRAFT, choices, type Draft, isUntouched, levelOf, missingIn, pointOf, pointWords, reportOf } from './draft'

const begun = Date.parse('2026-11-23T06:00:00Z')
const draft: Draft = {
  ...BLANK_DRAFT,
  id: '0b6f2d0e-0000-4000-8000-000000000001',
  begun,
  label: ' 示例路 1 号 ',
  point: { lon: 122.10345678, lat: 30.01234567 },
  category: 'dispute',
  caller: '示例 张三',
  channel: '110',
}
const category = (code: string, parent: string | null, level: number) =>
  ({ code, parent, level, name_zh: code, name_en: code, urgent: false }) as Category

describe('a draft', () => {
  it('says what is missing', () => {
    expect(missingIn(BLANK_DRAFT)).toEqual(['point', 'category'])
    expect(missingIn(draft)).toEqual([])
    expect(() => reportOf(BLANK_DRAFT, 3, begun, true)).toThrow('not ready')
  })

  it('knows whether anybody wrote in it', () => {
    expect(isUntouched({ ...BLANK_DRAFT, id: draft.id, begun, channel: '110' })).toBe(true)
    for (const part of [{ label: '示' }, { category: 'dispute' }, { level: 1 }, { phone: '1' }, { narrative: '示' }]) {
      expect(isUntouched({ ...BLANK_DRAFT, ...part })).toBe(false)
    }
    expect(isUntouched({ ...BLANK_DRAFT, point: draft.point })).toBe(false)
  })

  it('reads a point typed as degrees, in either order', () => {
    const harbour = { lon: 122.301, lat: 29.947 }
    for (const words of ['122.301, 29.947', '29.947,122.301', '29.947°N 122.301°E', ' 122.301E，29.947N ']) {
      expect(pointOf(words), words).toEqual(harbour)
    }
    expect(pointOf('33.5S 70.6W')).toEqual({ lon: -70.6, lat: -33.5 })
    for (const words of ['', '122.301', '沈家门 3 号', '200, 100', '12 号 34 室']) expect(pointOf(words), words).toBeNull()
    expect(pointOf(pointWords(harbour))).toEqual(harbour)
  })

  it('takes the level of its category unless one was chosen', () => {
    const all = [category('dispute', null, 2)]
    expect(levelOf(draft, all)).toBe(2)
    expect(levelOf({ ...draft, level: 1 }, all)).toBe(1)
    expect(levelOf(BLANK_DRAFT, all)).toBe(3)
  })

  it('becomes a report with the call’s times', () => {
    expect(reportOf(draft, 2, begun + 90_000, true)).toEqual({
      id: draft.id,
      channel: '110',
      category: 'dispute',
      level: 2,
      reported_at: '2026-11-23T06:00:00.000Z',
      answered_at: '2026-11-23T06:00:00.000Z',
      call_ended_at: '2026-11-23T06:01:30.000Z',
      narrative: '',
      place: { lon: 122.103457, lat: 30.012346, label: '示例路 1 号' },
      caller_name: '示例 张三',
      complete: true,
    })
  })

  it('has no end of call while it goes on, and never begins after now', () => {
    const report = reportOf(draft, 2, begun - 5_000, false)
    expect(report.call_ended_at).toBeUndefined()
    expect(report.reported_at).toBe('2026-11-23T05:59:55.000Z')
  })

  it('names a nameless place by its coordinates', () => {
    expect(reportOf({ ...draft, label: '' }, 3, begun, false).place.label).toBe('30.0123°N 122.1035°E')
    expect(pointWords({ lon: -0.1, lat: -51.5 })).toBe('51.5000°S 0.1000°W')
  })
})

describe('choices', () => {
  it('are the leaves, found by code and by either language', () => {
    const all = [category('02', null, 3), category('0201', '02', 3), category('03', null, 3)]
    const found = choices(all, (code) => `名 ${code}`)
    expect(found.map((one) => one.value)).toEqual(['0201', '03'])
    expect(found[0]?.find).toContain('0201')
  })
})

describe('a draft taken from the telephone', () => {
  it('has the times of the telephone where it was taken from one', () => {
    const taken = { ...draft, telephone: 'call', rang: begun - 9_000, answered: begun - 2_000 }
    const sent = reportOf(taken, 2, begun + 60_000, false)
    expect([sent.reported_at, sent.answered_at]).toEqual(['2026-11-23T05:59:51.000Z', '2026-11-23T05:59:58.000Z'])
    const early = reportOf({ ...draft, rang: begun + 5_000, answered: begun - 1_000 }, 2, begun, false)
    expect([early.reported_at, early.answered_at]).toEqual(['2026-11-23T06:00:00.000Z', '2026-11-23T06:00:00.000Z'])
    expect(isUntouched({ ...BLANK_DRAFT, telephone: 'call' })).toBe(false)
  })
})
