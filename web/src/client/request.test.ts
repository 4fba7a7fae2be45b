import { afterEach, describe, expect, it, vi } from 'vitest'
import { addressOf, keepCsrf, onSessionLost, Refusal, request } from './request'

const problem = {
  type: 'urn:muster:problem:unit.unavailable',
  title: 'unit.unavailable',
  status: 409,
  code: 'unit.unavailable',
  detail_zh: '该单元不可派',
  detail_en: 'the unit cannot be sent',
}

function answer(status: number, body?: unknown) {
  const asked: { address: string; init: RequestInit }[] = []
  vi.stubGlobal('fetch', (address: string, init: RequestInit) => {
    asked.push({ address, init })
    return Promise.resolve(new Response(body === undefined ? null : JSON.stringify(body), { status }))
  })
  return asked
}

const refusal = (promise: Promise<unknown>): Promise<Refusal> =>
  promise.then(
    () => Promise.reject(new Error('was not refused')),
    (error: unknown) => (error instanceof Refusal ? error : Promise.reject(new Error('another error'))),
  )

afterEach(() => {
  vi.unstubAllGlobals()
  keepCsrf(null)
})

describe('addresses', () => {
  it('are filled in and escaped', () => {
    expect(addressOf('/api/incidents/{matter}/entries', { matter: 'a/b' }, { after: 3, limit: 20 })).toBe(
      '/api/incidents/a%2Fb/entries?after=3&limit=20',
    )
  })
})

describe('requests', () => {
  it('carry token and command id when they change something, and only then', async () => {
    const asked = answer(200, {})
    keepCsrf('token')
    await request('post', '/api/incidents/{matter}/remark', { path: { matter: 'm' }, body: { text: 'x' }, key: 'k' })
    await request('get', '/api/summary')
    const [post, get] = asked.map(({ init }) => new Headers(init.headers))
    expect([post?.get('X-CSRF-Token'), post?.get('Idempotency-Key')]).toEqual(['token', 'k'])
    expect([get?.get('X-CSRF-Token'), get?.get('Idempotency-Key')]).toEqual([null, null])
  })

  it('answer nothing where there is nothing', async () => {
    answer(204)
    expect(await request('delete', '/api/session')).toBeUndefined()
  })
})

describe('refusals', () => {
  it('speak the reader’s language', async () => {
    answer(409, problem)
    const said = await refusal(request('get', '/api/summary'))
    expect([said.sentence('zh-CN'), said.sentence('en')]).toEqual(['该单元不可派', 'the unit cannot be sent'])
  })

  it('name the fields that were wrong', async () => {
    answer(400, { ...problem, fields: [{ path: 'narrative', message_zh: '太长', message_en: 'too long' }] })
    const said = await refusal(request('get', '/api/summary'))
    expect([said.sentence('zh-CN'), said.sentence('en')]).toEqual([
      expect.stringContaining('narrative: 太长'),
      expect.stringContaining('narrative: too long'),
    ])
  })

  it('tell that the session is lost', async () => {
    answer(401, { ...problem, status: 401, code: 'session.required' })
    const lost = vi.fn()
    onSessionLost(lost)
    await refusal(request('get', '/api/summary'))
    expect(lost).toHaveBeenCalledOnce()
  })

  it('are plain about a server that cannot be reached or makes no sense', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')))
    expect((await refusal(request('get', '/api/summary'))).status).toBe(0)
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('<html>', { status: 502 })))
    const said = await refusal(request('get', '/api/summary'))
    expect([said.status, said.sentence('en')]).toEqual([502, null])
  })
})
