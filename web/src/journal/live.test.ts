import { describe, expect, it } from 'vitest'
import type { IncidentRow, LiveMessage, PositionTuple, UnitRow } from '../client/types'
import { applyLive, type LiveState, NOTHING_YET } from './live'

const NOW = '2026-11-23T06:00:00Z'

function incident(id: string, change: Partial<IncidentRow> = {}): IncidentRow {
  return {
    id,
    number: `N-${id}`,
    level: 3,
    category: 'dispute',
    category_final: '',
    state: 'waiting',
    organisation: 'dinghai',
    jurisdiction: 'dinghai',
    channel: '110',
    reported_at: NOW,
    recorded_at: NOW,
    state_since: NOW,
    due: null,
    missed: [],
    place: { lon: 122.1, lat: 30, label: '示例路 1 号' },
    cell: '',
    orders: [],
    merged_into: null,
    escalated: false,
    erased: false,
    open: true,
    version: 1,
    ...change,
  }
}

function unit(id: string, change: Partial<UnitRow> = {}): UnitRow {
  return {
    id,
    call_sign: id,
    organisation: 'dinghai',
    kind: 'car',
    mode: 'road',
    capabilities: [],
    on_duty: true,
    status: '10',
    crew: [],
    order: null,
    base: { lon: 122, lat: 30 },
    group: 'available',
    position: { lon: 122, lat: 30, at: NOW, heading: 90, speed_kmh: 0 },
    version: 1,
    ...change,
  }
}

/** A small server: holds the truth and can tell it as a snapshot or as the change that led to it. */
class World {
  incidents = new Map<string, IncidentRow>()
  units = new Map<string, UnitRow>()
  serial = 0

  snapshot(): LiveMessage {
    const incidents = [...this.incidents.values()]
    return { type: 'snapshot', cursor: String(this.serial), now: NOW, incidents, units: [...this.units.values()] }
  }

  changes(incidents: IncidentRow[], gone: string[] = [], units: UnitRow[] = []): LiveMessage {
    this.serial += 1
    for (const row of incidents) this.incidents.set(row.id, row)
    for (const id of gone) this.incidents.delete(id)
    for (const row of units) this.units.set(row.id, row)
    return { type: 'changes', cursor: String(this.serial), incidents, gone, units }
  }

  positions(...positions: PositionTuple[]): LiveMessage {
    for (const [id, lon, lat, heading, at] of positions) {
      const row = this.units.get(id)
      if (row === undefined) continue
      const position = { lon, lat, heading, at: new Date(at).toISOString(), speed_kmh: 1 }
      this.units.set(id, { ...row, position })
    }
    return { type: 'positions', positions }
  }
}

/** Sorted and without the order of arrival, which means nothing. */
function plain(state: LiveState) {
  const sorted = <T>(map: ReadonlyMap<string, T>) =>
    Object.fromEntries([...map].sort(([a], [b]) => a.localeCompare(b)))
  return { ...state, incidents: sorted(state.incidents), units: sorted(state.units), fixes: sorted(state.fixes) }
}

const at = (seconds: number) => Date.parse(NOW) + seconds * 1000

function story(world: World): LiveMessage[] {
  return [
    world.changes([incident('a')], [], [unit('u1'), unit('u2')]),
    world.positions(['u1', 122.01, 30.01, 45, at(1)], ['u2', 122.02, 30.02, null, at(1)]),
    world.changes([incident('b', { level: 1 })]),
    world.changes([incident('a', { state: 'dispatched', version: 2 })], [], [unit('u1', { status: '20', version: 2 })]),
    world.positions(['u1', 122.02, 30.02, 50, at(3)]),
    world.changes([], [], [unit('u2', { on_duty: false, position: null, version: 2 })]),
    world.changes([], ['b']),
    world.changes([incident('c')]),
  ]
}

/** The snapshot a server would give after the first `count` messages of the story. */
function snapshotAfter(count: number): LiveMessage {
  const world = new World()
  for (const message of story(new World()).slice(0, count)) {
    if (message.type === 'changes') world.changes(message.incidents, message.gone, message.units)
    if (message.type === 'positions') world.positions(...message.positions)
  }
  return world.snapshot()
}

function joinAfter(count: number, messages: LiveMessage[]): LiveState {
  return messages.slice(count).reduce(applyLive, applyLive(NOTHING_YET, snapshotAfter(count)))
}

describe('a late joiner', () => {
  const messages = story(new World())
  const fresh = applyLive(NOTHING_YET, snapshotAfter(messages.length))

  it.each(messages.map((_, index) => index))('who joins after %d messages sees the whole picture', (joined) => {
    expect(plain(joinAfter(joined, messages))).toEqual(plain(fresh))
  })

  it('would be noticed missing a change', () => {
    for (const lost of [3, 4, 5, 6, 7]) {
      const careless = messages.filter((_, index) => index !== lost)
      expect({ ...plain(joinAfter(0, careless)), cursor: null }).not.toEqual({ ...plain(fresh), cursor: null })
    }
  })
})

describe('applyLive', () => {
  const world = new World()
  world.changes([incident('a', { version: 4 })], [], [unit('u1')])
  const start = applyLive(NOTHING_YET, world.snapshot())

  it('leaves the lists alone when units only move', () => {
    const after = applyLive(start, { type: 'positions', positions: [['u1', 122.5, 30.5, 10, at(5)]] })
    expect(after.incidents).toBe(start.incidents)
    expect(after.units).toBe(start.units)
    expect(after.fixes.get('u1')).toEqual({ lon: 122.5, lat: 30.5, heading: 10, at: at(5) })
  })

  it('never moves a unit back in time, nor shows one it does not know', () => {
    const message: LiveMessage = {
      type: 'positions',
      positions: [
        ['u1', 1, 1, null, at(-60)],
        ['stranger', 1, 1, null, at(60)],
      ],
    }
    expect(applyLive(start, message)).toBe(start)
  })

  it('keeps the newer version of a matter', () => {
    const stale = incident('a', { version: 3, state: 'received' })
    const after = applyLive(start, { type: 'changes', cursor: '9', incidents: [stale], gone: [], units: [] })
    expect(after.incidents.get('a')?.version).toBe(4)
    expect(after.cursor).toBe('9')
  })

  it('ignores changes before a snapshot: there is nothing they could change', () => {
    const message: LiveMessage = { type: 'changes', cursor: '1', incidents: [incident('a')], gone: [], units: [] }
    expect(applyLive(NOTHING_YET, message)).toBe(NOTHING_YET)
  })

  it('says when the feed stalls and when it goes on', () => {
    const stalled = applyLive(start, { type: 'beat', now: NOW, feed: 'stalled' })
    expect(stalled.feed).toBe('stalled')
    expect(applyLive(stalled, { type: 'beat', now: NOW, feed: 'ok' }).feed).toBe('ok')
  })
})
