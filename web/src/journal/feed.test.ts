import { describe, expect, it } from 'vitest'
import { waitBefore } from './feed'

describe('the wait before reconnecting', () => {
  it('doubles and then stays', () => {
    const waits = [0, 1, 2, 3, 4, 5, 20].map((attempt) => waitBefore(attempt, 0.5))
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000])
  })

  it('is spread over half of itself', () => {
    expect(waitBefore(4, 0)).toBe(6000)
    expect(waitBefore(4, 1)).toBe(10000)
  })
})
