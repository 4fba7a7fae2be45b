/** The operations the panel offers, in the order of the work, and the words each needs. Pure. */
import type { Operation, OperationBody } from '../client/api'

export type Asked = 'text' | 'reason' | 'rating' | 'none'

export interface Offer {
  operation: Operation
  asked: Asked
  /** The step this matter waits for: drawn as the main button. */
  main: boolean
}

const ASKED: Record<Operation, Asked> = {
  dispatch: 'none',
  complete: 'none',
  accept_transfer: 'none',
  confirm_cancel: 'none',
  close: 'none',
  call_back: 'rating',
  return_feedback: 'reason',
  remark: 'text',
  urge: 'text',
  archive: 'none',
}

const ORDER: readonly Operation[] = [
  'dispatch',
  'complete',
  'accept_transfer',
  'confirm_cancel',
  'close',
  'call_back',
  'return_feedback',
  'remark',
  'urge',
  'archive',
]

const MAIN_IN_STATE: Record<string, readonly Operation[]> = {
  received: ['dispatch', 'complete'],
  waiting: ['dispatch'],
  reported: ['close'],
  closed: ['call_back'],
  called_back: ['archive'],
}

/** What may be done now. The server may name an operation with its part in front: `incident.close`. */
export function offers(may: readonly string[], state: string): Offer[] {
  const allowed = new Set(may.map((name) => name.split('.').at(-1)))
  const main = MAIN_IN_STATE[state] ?? []
  return ORDER.filter((operation) => allowed.has(operation)).map((operation) => ({
    operation,
    asked: ASKED[operation],
    main: main.includes(operation),
  }))
}

/** The body of an operation. `moment` (server clock) ends the call for `complete`. */
export function bodyOf(operation: Operation, words: string, rating: number, moment: Date): OperationBody {
  const text = words.trim()
  switch (ASKED[operation]) {
    case 'text':
      return { text }
    case 'reason':
      return { reason: text }
    case 'rating':
      return text === '' ? { rating } : { rating, note: text }
    case 'none':
      return operation === 'complete' ? { call_ended_at: moment.toISOString() } : {}
  }
}
