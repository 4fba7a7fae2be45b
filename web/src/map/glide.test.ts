import { describe, expect, it } from 'vitest'
import type { Fix } from '../journal/live'
import { follow, GLIDE_MS, type Glides, settled, where } from './glide'

const fix = (lon: number, lat: number): Fix => ({ lon, lat, heading: null, at: 0 })
const fixes = (lon: number, lat = 30) => new Map([['u', fix(lon, lat)]])
const at = (glides: Glides, now: number) => {
  const glide = glides.get('u')
  return glide === undefined ? null : where(glide, now)
}

describe('gliding', () => {
  const start = follow(new Map(), fixes(122), 0, false)
  const moving = follow(start, fixes(122.01), 1000, false)

  it('begins at the first fix, at rest', () => {
    expect(at(start, 0)).toEqual({ lon: 122, lat: 30 })
    expect(settled(start, 0)).toBe(true)
  })

  it('goes evenly to the next fix and never beyond it', () => {
    expect(at(moving, 1000)?.lon).toBeCloseTo(122, 9)
    expect(at(moving, 1000 + GLIDE_MS / 2)?.lon).toBeCloseTo(122.005, 9)
    expect(at(moving, 1000 + 5 * GLIDE_MS)?.lon).toBe(122.01)
    expect(settled(moving, 1000 + GLIDE_MS / 2)).toBe(false)
    expect(settled(moving, 1000 + GLIDE_MS)).toBe(true)
  })

  it('turns from wherever it is when a fix comes early', () => {
    const turned = follow(moving, fixes(122.01, 30.02), 1500, false)
    expect(at(turned, 1500)?.lon).toBeCloseTo(122.005, 9)
    expect(at(turned, 2500)).toEqual({ lon: 122.01, lat: 30.02 })
  })

  it('goes on undisturbed when the same fix is told again', () => {
    expect(follow(moving, fixes(122.01), 1300, false).get('u')).toBe(moving.get('u'))
  })

  it('jumps when motion is not wanted, or when it is too far to have been driven', () => {
    expect(at(follow(start, fixes(122.01), 1000, true), 1000)?.lon).toBe(122.01)
    expect(at(follow(start, fixes(123), 1000, false), 1000)?.lon).toBe(123)
  })

  it('forgets a unit without a fix', () => {
    expect(follow(moving, new Map(), 1100, false).size).toBe(0)
  })
})
