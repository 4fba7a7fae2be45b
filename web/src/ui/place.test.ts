import { describe, expect, it } from 'vitest'
import { parsePlace, START, type Whereabouts, writePlace } from './place'

describe('the address', () => {
  it('is empty at the start', () => {
    expect(writePlace(START)).toBe('')
    expect(parsePlace('')).toEqual(START)
  })

  it('brings back everything it was given', () => {
    const place: Whereabouts = {
      page: 'access',
      matter: '0b6f2d0e-0000-4000-8000-000000000001',
      tab: 'matter',
      levels: [1, 2],
      state: 'waiting',
      organisation: 'dinghai',
      text: '沈家门 & 东港',
    }
    expect(parsePlace(writePlace(place))).toEqual(place)
  })

  it('forgives what somebody typed', () => {
    expect(parsePlace('#page=nowhere&tab=nowhere&level=x.2.77')).toEqual({ ...START, levels: [2] })
  })
})
