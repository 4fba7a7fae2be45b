import { describe, expect, it } from 'vitest'
import type { IncidentRow } from '../client/types'
import { needOf, waiting } from './due'

const since = '2026-11-23T06:00:00Z'
const at = (seconds: number) => Date.parse(since) + seconds * 1000
const due = { name: 'sign', at: '2026-11-23T06:01:40Z' }

describe('waiting', () => {
  it('fills from the state’s beginning to its deadline', () => {
    expect(waiting({ due, state_since: since }, at(25))).toEqual({ name: 'sign', share: 0.25, left: 75_000 })
  })

  it('is full when the deadline is over, and says by how much', () => {
    expect(waiting({ due, state_since: since }, at(130))).toEqual({ name: 'sign', share: 1, left: -30_000 })
  })

  it('does not break on a deadline before the state', () => {
    expect(waiting({ due: { name: 'sign', at: since }, state_since: due.at }, at(0))?.share).toBe(1)
  })

  it('is nothing without a clock', () => {
    expect(waiting({ due: null, state_since: since }, at(0))).toBeNull()
  })
})

describe('need', () => {
  const row = { state: 'dispatched', state_since: since, due, missed: [] as string[], escalated: false }
  const needs = (change: Partial<typeof row>, seconds: number) =>
    needOf({ ...row, ...change } as IncidentRow, at(seconds))

  it('grows with time', () => {
    expect([needs({}, 10), needs({}, 75), needs({}, 100)]).toEqual(['none', 'soon', 'now'])
  })

  it('is now when a clock was missed and nobody has taken it', () => {
    expect(needs({ missed: ['sign'] }, 1)).toBe('now')
    expect(needs({ missed: ['sign'], state: 'on_scene' }, 1)).toBe('none')
  })

  it('is now when it was escalated and nobody has taken it', () => {
    expect(needs({ escalated: true, state: 'waiting' }, 1)).toBe('now')
  })
})
