/** What a unit's status means for the board: its group, its sign, whether it has fallen silent. Pure. */
import type { Status } from '../client/types'
import type { Fix, Unit } from '../journal/live'
import { SHAPES, type Shape } from './shapes'

export type Group = Status['group']

/** Groups as the panel shows them: who needs help first, then who is at work, then who can be sent. */
export const GROUPS: readonly Group[] = [
  'emergency',
  'dispatched',
  'under_way',
  'on_scene',
  'available',
  'busy',
  'off',
]

const SHAPE_OF_GROUP: Record<Group, Shape> = {
  emergency: 'diamond',
  dispatched: 'half_circle',
  under_way: 'arrow',
  on_scene: 'square',
  available: 'circle',
  busy: 'small_square',
  off: 'ring',
}

/** After so long without a fix a unit on duty counts as silent; the ranking of units uses the same age. */
export const SILENT_MS = 300_000

function isShape(name: string): name is Shape {
  return Object.hasOwn(SHAPES, name)
}

/** The pack may name a shape; a name we do not draw gives the sign of the group. */
export function shapeOf(status: Status): Shape {
  return isShape(status.sign) ? status.sign : SHAPE_OF_GROUP[status.group]
}

/** A unit whose status the pack does not name is shown as busy, with the bare code. */
export function statusOf(unit: Unit, statuses: readonly Status[]): Status {
  const known = statuses.find((status) => status.code === unit.status)
  if (known !== undefined) return known
  const code = unit.on_duty ? unit.status : 'off'
  const group: Group = unit.on_duty ? 'busy' : 'off'
  const grey = { colour_light: '#56667A', colour_dark: '#8FA1B3' }
  return { code, name_zh: unit.status, name_en: unit.status, sign: '', alias: '', group, ...grey }
}

export function isSilent(status: Status, fix: Fix | undefined, now: number): boolean {
  return status.group !== 'off' && fix !== undefined && now - fix.at > SILENT_MS
}

/** Units by group, in the groups' order; within a group by call sign. Empty groups are left out. */
export function byGroup(units: Iterable<Unit>, statuses: readonly Status[]): [Group, Unit[]][] {
  const found = new Map<Group, Unit[]>(GROUPS.map((group) => [group, []]))
  for (const unit of units) found.get(statusOf(unit, statuses).group)?.push(unit)
  for (const list of found.values()) list.sort((a, b) => a.call_sign.localeCompare(b.call_sign, 'zh'))
  return [...found].filter(([, list]) => list.length > 0)
}
