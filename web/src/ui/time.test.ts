import { describe, expect, it } from 'vitest'
import { clockTime, distance, minutes, shortTime, span } from './time'

describe('span', () => {
  it.each([
    [-5000, '0′00″'],
    [7_000, '0′07″'],
    [130_000, '2′10″'],
    [3_599_999, '59′59″'],
    [3_900_000, '1h05′'],
    [86_400_000 * 2 + 3_600_000 * 3, '2d03h'],
  ])('%d ms is %s', (ms, words) => {
    expect(span(ms)).toBe(words)
  })
})

describe('times of day', () => {
  const morning = Date.parse('2026-11-23T06:03:22Z')

  it('are the city’s, not the browser’s', () => {
    expect(clockTime(morning, 'Asia/Shanghai')).toBe('14:03:22')
    expect(clockTime(morning, 'Europe/London')).toBe('06:03:22')
  })

  it('carry the date only when it is another day', () => {
    expect(shortTime(morning, morning + 3_600_000, 'Asia/Shanghai')).toBe('14:03:22')
    expect(shortTime(morning, morning + 86_400_000, 'Asia/Shanghai')).toBe('11-23 14:03:22')
  })
})

describe('travel', () => {
  it('is in metres on land and nautical miles at sea', () => {
    expect(distance(840, 'road')).toBe('840 m')
    expect(distance(1240, 'road')).toBe('1.2 km')
    expect(distance(3704, 'water')).toBe('2.0 nm')
  })

  it('never promises less than a minute', () => {
    expect(minutes(5)).toBe('1′')
    expect(minutes(362)).toBe('6′')
  })
})
