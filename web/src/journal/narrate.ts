/**
 * An entry as a line of the logbook: what kind of thing it was, its particulars, and which of them were
 * corrected later. Pure; words and names come in through `Lookup`.
 */
import type { EntryView } from '../client/types'

/** decision: somebody decided (bold). step: a unit said where it is. message: words. alarm: a clock or a refusal. */
export type Weight = 'decision' | 'step' | 'message' | 'alarm'

/** Names for what bodies hold as codes, in the reader's language. */
export interface Lookup {
  category: (code: string) => string
  level: (code: number) => string
  organisation: (id: string) => string
  channel: (code: string) => string
  clock: (name: string) => string
  word: (group: string, code: string) => string
  time: (moment: string) => string
}

/** A particular of an entry. `field` names what a later entry may correct. */
export interface Particular {
  text: string
  field?: string
  /** What it was corrected to, and by which entry. */
  replaced?: { text: string; number: number }
}

export interface Line {
  entry: EntryView
  weight: Weight
  particulars: Particular[]
}

type Body = EntryView['body']

const DECISIONS = new Set([
  'incident.reported',
  'incident.level_changed',
  'incident.categorised',
  'incident.transferred',
  'incident.transfer_accepted',
  'incident.organisation_asked',
  'incident.cancel_requested',
  'incident.cancelled',
  'incident.cancel_declined',
  'incident.merged',
  'incident.absorbed',
  'incident.unmerged',
  'incident.released',
  'incident.feedback_returned',
  'incident.closed',
  'incident.archived',
  'order.given',
  'order.withdrawn',
])
const MESSAGES = new Set(['incident.remarked', 'incident.urged', 'incident.called_back', 'incident.completed'])
const ALARMS = new Set(['incident.clock_missed', 'incident.escalated', 'order.lapsed', 'order.returned'])

export function weightOf(kind: string): Weight {
  if (DECISIONS.has(kind)) return 'decision'
  if (MESSAGES.has(kind)) return 'message'
  return ALARMS.has(kind) ? 'alarm' : 'step'
}

/** A text of the body; a place gives its label. Empty when absent or erased. */
function text(body: Body, name: string): string {
  const value = body[name]
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || !('label' in value)) return ''
  return typeof value.label === 'string' ? value.label : ''
}

function count(body: Body, name: string): number {
  const value = body[name]
  return typeof value === 'number' ? value : 0
}

const COUNTED = ['injured', 'dead', 'rescued', 'people', 'vehicles', 'boats']
const TIMES = ['reported_at', 'answered_at', 'call_ended_at']

function ofReport(body: Body, look: Lookup): Particular[] {
  const caller = [text(body, 'caller_name'), text(body, 'caller_phone')].filter(Boolean).join(' ')
  return [
    { text: look.channel(text(body, 'channel')) },
    { text: look.level(count(body, 'level')) },
    { field: 'category', text: look.category(text(body, 'category')) },
    { field: 'place', text: text(body, 'place') },
    { text: text(body, 'narrative') },
    { text: caller },
    ...TIMES.filter((name) => text(body, name) !== '').map((name) => ({
      field: name,
      text: `${look.word('time', name)} ${look.time(text(body, name))}`,
    })),
  ]
}

function ofFeedback(body: Body, look: Lookup): Particular[] {
  const counts = COUNTED.filter((name) => count(body, name) > 0)
  return [
    { text: look.word('result', text(body, 'result')) },
    { text: text(body, 'category') === '' ? '' : look.category(text(body, 'category')) },
    { text: text(body, 'narrative') },
    { text: counts.map((name) => `${look.word('count', name)} ${count(body, name)}`).join(' · ') },
  ]
}

function ofTimeCorrection(body: Body, look: Lookup): Particular[] {
  const name = text(body, 'field')
  return [
    { field: name, text: `${look.word('time', name)} ${look.time(text(body, 'at'))}` },
    { text: text(body, 'reason') },
  ]
}

/** Particulars which need more than the names below; every other kind shows its texts as they are. */
const SPECIAL: Record<string, (body: Body, look: Lookup) => Particular[]> = {
  'incident.reported': ofReport,
  'incident.fed_back': ofFeedback,
  'incident.time_corrected': ofTimeCorrection,
  'incident.place_corrected': (body) => [
    { field: 'place', text: text(body, 'place') },
    { text: text(body, 'reason') },
  ],
  'incident.categorised': (body, look) => [
    { field: 'category', text: look.category(text(body, 'category')) },
    { text: text(body, 'reason') },
  ],
  'incident.level_changed': (body, look) => [
    { text: `${look.level(count(body, 'was'))} → ${look.level(count(body, 'level'))}` },
    { text: text(body, 'reason') },
  ],
  'incident.clock_missed': (body, look) => [{ text: look.clock(text(body, 'name')) }],
  'incident.escalated': (body, look) => [
    { text: look.word('role', text(body, 'to_role')) },
    { text: look.word('why', text(body, 'why')) },
  ],
  'incident.called_back': (body, look) => [
    { text: look.word('rating', String(count(body, 'rating'))) },
    { text: text(body, 'note') },
  ],
  'incident.cancel_requested': (body, look) => [
    { text: look.word('cancel', text(body, 'why')) },
    { text: text(body, 'reason') },
  ],
  'incident.cancelled': (body, look) => [{ text: look.word('cancel', text(body, 'why')) }],
  'retention.caller_corrected': (body) =>
    ['caller_name', 'caller_phone', 'unlisted_phone', 'basis', 'because'].map((name) => ({ text: text(body, name) })),
  'retention.track_kept': (body, look) => [
    { text: `${text(body, 'unit')} ${look.time(text(body, 'since'))}–${look.time(text(body, 'until'))}` },
    { text: text(body, 'basis') },
    { text: text(body, 'because') },
  ],
  'incident.absorbed': (body) => [{ text: text(body, 'number') }],
}

function ordinary(body: Body, look: Lookup): Particular[] {
  const organisation = text(body, 'organisation')
  const plain = ['text', 'opinion', 'reason', 'note', 'narrative', 'basis', 'because'].map((name) => ({ text: text(body, name) }))
  return [{ text: organisation === '' ? '' : look.organisation(organisation) }, ...plain]
}

function ofOrder(entry: EntryView, sign: string, look: Lookup): Particular[] {
  const metres = entry.body['away_m']
  const away = typeof metres === 'number' && metres >= 0 ? `${look.word('count', 'away')} ${metres} m` : ''
  const words = ['opinion', 'reason'].map((name) => ({ text: text(entry.body, name) }))
  return [{ text: sign }, { text: away }, ...words]
}

function callSigns(entries: readonly EntryView[]): Map<string, string> {
  const given = entries.filter((entry) => entry.kind === 'order.given')
  return new Map(given.map(({ body }) => [text(body, 'order'), text(body, 'call_sign') || text(body, 'unit')]))
}

function corrects(entry: EntryView): boolean {
  if (entry.kind === 'incident.categorised') return entry.body['final'] !== true
  return entry.kind === 'incident.place_corrected' || entry.kind === 'incident.time_corrected'
}

/** Strikes, in earlier lines, what `line` corrects: only the value that stood until then. */
function strike(lines: readonly Line[], line: Line): void {
  for (const fresh of line.particulars) {
    if (fresh.field === undefined) continue
    const earlier = lines.flatMap((one) => one.particulars)
    const standing = earlier.findLast((one) => one.field === fresh.field && one.replaced === undefined)
    if (standing !== undefined) standing.replaced = { text: fresh.text, number: line.entry.number }
  }
}

/** The logbook of one matter, in the order of the journal. */
export function narrate(entries: readonly EntryView[], look: Lookup): Line[] {
  const signs = callSigns(entries)
  const lines: Line[] = []
  for (const entry of entries) {
    const tell = SPECIAL[entry.kind] ?? ordinary
    const particulars = entry.kind.startsWith('order.')
      ? ofOrder(entry, signs.get(text(entry.body, 'order')) ?? '', look)
      : tell(entry.body, look)
    const said = particulars.filter((one) => one.text.trim() !== '')
    const line = { entry, weight: weightOf(entry.kind), particulars: said }
    if (corrects(entry)) strike(lines, line)
    lines.push(line)
  }
  return lines
}
