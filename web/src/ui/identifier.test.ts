import { describe, expect, it } from 'vitest'
import { CommandKeys, newIdentifier } from './identifier'

describe('identifiers', () => {
  it('are version 4 UUIDs and differ', () => {
    const made = Array.from({ length: 50 }, newIdentifier)
    for (const one of made) expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(made).size).toBe(50)
  })
})

describe('command keys', () => {
  it('repeat for a retry, change with the words, and are new after an answer', () => {
    const keys = new CommandKeys()
    const first = keys.keyFor('remark', { text: 'a' })
    expect(keys.keyFor('remark', { text: 'a' })).toBe(first)
    const second = keys.keyFor('remark', { text: 'b' })
    expect(second).not.toBe(first)
    keys.done()
    expect(keys.keyFor('remark', { text: 'b' })).not.toBe(second)
  })
})
