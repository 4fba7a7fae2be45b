import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { en } from './en'
import { zh } from './zh'

type Tree = { [name: string]: string | Tree }

function leaves(tree: Tree, path = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of Object.entries(tree)) {
    const at = path === '' ? name : `${path}.${name}`
    if (typeof value === 'string') found.set(at, value)
    else for (const [below, words] of leaves(value, at)) found.set(below, words)
  }
  return found
}

const holes = (words: string) => [...words.matchAll(/{{(\w+)}}/g)].map((found) => found[1]).sort()

const chinese = leaves(zh)
const english = leaves(en)

describe('both languages', () => {
  it('have the same keys', () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort())
  })

  it('say something under every key', () => {
    for (const [key, words] of [...chinese, ...english]) expect(words.trim(), key).not.toBe('')
  })

  it('fill in the same things', () => {
    for (const [key, words] of chinese) expect(holes(english.get(key) ?? ''), key).toEqual(holes(words))
  })

  it('are in their own language', () => {
    for (const [key, words] of english) expect(words, key).not.toMatch(/[\u4e00-\u9fff]/)
  })
})

describe('the source', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name))
  const code = files
    .filter((name) => !name.endsWith('.test.ts') && !name.endsWith('schema.ts'))
    .map((name) => [name, readFileSync(root + name, 'utf8')] as const)

  it('asks only for words there are', () => {
    for (const [name, text] of code) {
      for (const [, key] of text.matchAll(/\bt\('([\w.]+)'/g)) expect(chinese.has(key ?? ''), `${name}: ${key}`).toBe(true)
      for (const [, group] of text.matchAll(/\bword\('(\w+)'/g)) expect(Object.keys(zh), `${name}: ${group}`).toContain(group)
    }
  })

  it('uses every word outside the vocabulary of codes', () => {
    const codes = ['state', 'order', 'group', 'mode', 'role', 'time', 'count', 'rating', 'cancel', 'why', 'result']
    const byName = [...codes, 'operation', 'ask', 'done', 'kind', 'first', 'switch', 'help', 'tab', 'look', 'kept', 'denial']
    const all = code.map(([, text]) => text).join('\n')
    const idle = [...chinese.keys()].filter((key) => !byName.includes(key.split('.')[0] ?? '') && !all.includes(`'${key}'`))
    expect(idle).toEqual([])
  })

  it.each([/: any\b/, /\bas any\b/, /<any>/, /eslint-disable/, /@ts-(ignore|expect-error|nocheck)/])(
    'does without %s',
    (shortcut) => {
      for (const [name, text] of code) expect(shortcut.test(text), name).toBe(false)
    },
  )
})
