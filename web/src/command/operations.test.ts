import { describe, expect, it } from 'vitest'
import { bodyOf, offers } from './operations'

const moment = new Date('2026-11-23T06:00:00Z')

describe('offers', () => {
  it('are only what the server allows, in the order of the work', () => {
    expect(offers(['remark', 'dispatch', 'merge'], 'waiting').map((one) => one.operation)).toEqual([
      'dispatch',
      'remark',
    ])
    expect(offers([], 'waiting')).toEqual([])
  })

  it('understand names with their part in front', () => {
    expect(offers(['incident.close'], 'reported')).toEqual([{ operation: 'close', asked: 'none', main: true }])
  })

  it('mark the step the matter waits for', () => {
    const main = (state: string) =>
      offers(['dispatch', 'remark', 'close', 'call_back'], state)
        .filter((one) => one.main)
        .map((one) => one.operation)
    expect(main('waiting')).toEqual(['dispatch'])
    expect(main('reported')).toEqual(['close'])
    expect(main('closed')).toEqual(['call_back'])
    expect(main('on_scene')).toEqual([])
  })
})

describe('bodies', () => {
  it('have the shape of the contract', () => {
    expect(bodyOf('remark', ' 已到 ', 0, moment)).toEqual({ text: '已到' })
    expect(bodyOf('return_feedback', '缺人数', 0, moment)).toEqual({ reason: '缺人数' })
    expect(bodyOf('call_back', '', 1, moment)).toEqual({ rating: 1 })
    expect(bodyOf('call_back', '谢谢', 2, moment)).toEqual({ rating: 2, note: '谢谢' })
    expect(bodyOf('close', 'ignored', 0, moment)).toEqual({})
    expect(bodyOf('complete', '', 0, moment)).toEqual({ call_ended_at: '2026-11-23T06:00:00.000Z' })
  })
})
