import { describe, expect, it } from 'vitest'
import type { Status } from '../client/types'
import type { Unit } from '../journal/live'
import { byGroup, isSilent, SILENT_MS, shapeOf, statusOf } from './status'

const status = (code: string, group: Status['group'], sign = ''): Status => ({
  code,
  group,
  sign,
  name_zh: code,
  name_en: code,
  colour_light: '#000000',
  colour_dark: '#FFFFFF',
  alias: '',
})
const statuses = [status('10', 'available'), status('20', 'dispatched'), status('off', 'off')]
const unit = (id: string, code: string, on_duty = true) => ({ id, call_sign: id, status: code, on_duty }) as Unit

describe('signs', () => {
  it('come from the pack when it names one we draw', () => {
    expect(shapeOf(status('x', 'busy', 'diamond'))).toBe('diamond')
  })

  it('come from the group otherwise', () => {
    expect(shapeOf(status('x', 'under_way', 'a-shape-of-their-own'))).toBe('arrow')
    expect(shapeOf(status('x', 'busy', 'constructor'))).toBe('small_square')
  })
})

describe('an unknown status', () => {
  it('is busy with its bare code, or off when off duty', () => {
    expect(statusOf(unit('u', '99'), statuses).group).toBe('busy')
    expect(statusOf(unit('u', '99', false), statuses).group).toBe('off')
  })
})

describe('silence', () => {
  const fix = { lon: 0, lat: 0, heading: null, at: 1_000_000 }

  it('needs an age beyond the limit and a unit on duty', () => {
    expect(isSilent(status('10', 'available'), fix, fix.at + SILENT_MS)).toBe(false)
    expect(isSilent(status('10', 'available'), fix, fix.at + SILENT_MS + 1)).toBe(true)
    expect(isSilent(status('off', 'off'), fix, fix.at + SILENT_MS + 1)).toBe(false)
    expect(isSilent(status('10', 'available'), undefined, fix.at)).toBe(false)
  })
})

describe('groups', () => {
  it('stand in the order of need, units by call sign, empty ones left out', () => {
    const units = [unit('b', '20'), unit('c', '10'), unit('a', '20'), unit('z', 'off', false)]
    const shown = byGroup(units, statuses).map(([group, list]) => [group, list.map((one) => one.id)])
    expect(shown).toEqual([
      ['dispatched', ['a', 'b']],
      ['available', ['c']],
      ['off', ['z']],
    ])
  })
})
