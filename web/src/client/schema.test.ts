import { readFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'
import { describe, expect, it } from 'vitest'

/** Those of `npm run generate`: a body may leave out what has a default; an object without a shape may hold anything. */
const OPTIONS = { defaultNonNullable: false, emptyObjectsUnknown: true }

describe('the generated schema', () => {
  it('is what openapi.json says: run `npm run generate` when it is not', async () => {
    const schema = readFileSync(new URL('./schema.ts', import.meta.url), 'utf8')
    const fresh = astToString(await openapiTS(new URL('../../openapi.json', import.meta.url), OPTIONS))
    const withoutHead = (text: string) => text.slice(text.indexOf('export interface paths')).trim()
    expect(withoutHead(schema)).toBe(withoutHead(fresh))
  })
})
