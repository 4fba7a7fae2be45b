import { describe, expect, it } from 'vitest'
import { asked, midnight } from './days'

describe('days of the city', () => {
  it('begin at its midnight', () => {
    expect(midnight('2026-11-23', 'Asia/Shanghai')).toBe('2026-11-22T16:00:00.000Z')
    expect(midnight('2026-11-23', 'America/New_York')).toBe('2026-11-23T05:00:00.000Z')
    expect(midnight('2026-11-23', 'UTC', 1)).toBe('2026-11-24T00:00:00.000Z')
  })

  it('are asked for with the last one included', () => {
    const filter = { what: 'export', since: '2026-11-23', until: '2026-11-23' }
    expect(asked(filter, 'Asia/Shanghai')).toEqual({
      what: 'export',
      since: '2026-11-22T16:00:00.000Z',
      until: '2026-11-23T16:00:00.000Z',
    })
    expect(asked({ person: 'p1' }, 'UTC')).toEqual({ person: 'p1', since: '', until: '' })
  })
})
