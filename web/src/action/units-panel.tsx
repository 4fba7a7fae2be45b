/** The units, grouped by what they are doing. */
import { memo, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { Status } from '../client/types'
import type { Unit } from '../journal/live'
import { usePicture } from '../journal/picture'
import { useCity } from '../ui/city'
import { useNow } from '../ui/clock'
import { Empty } from '../ui/empty'
import { named } from '../ui/language'
import { span } from '../ui/time'
import { word } from '../ui/word'
import { byGroup, type Group, isSilent, shapeOf, statusOf } from './status'
import { UnitSign } from './unit-sign'

interface PanelProps {
  chosen: string | null
  choose: (id: string | null) => void
  openMatter: (id: string) => void
}

export function UnitsPanel({ chosen, choose, openMatter }: PanelProps) {
  const { t } = useTranslation()
  const { city } = useCity()
  const units = usePicture((picture) => picture.live.units)
  const groups = useMemo(() => byGroup(units.values(), city.statuses), [units, city.statuses])
  const unit = chosen === null ? undefined : units.get(chosen)
  if (units.size === 0) return <Empty title={t('units.empty')} />
  return (
    <div className="units">
      {unit === undefined ? null : <UnitLine unit={unit} openMatter={openMatter} />}
      {groups.map(([group, members]) => (
        <GroupBlock key={group} group={group} members={members} chosen={chosen} choose={choose} />
      ))}
    </div>
  )
}

interface GroupProps {
  group: Group
  members: Unit[]
  chosen: string | null
  choose: (id: string | null) => void
}

/** Those off duty are only counted until one asks for them. */
function GroupBlock({ group, members, chosen, choose }: GroupProps) {
  const chips = (
    <ul className="chips">
      {members.map((unit) => (
        <li key={unit.id}>
          <UnitChip unit={unit} chosen={unit.id === chosen} choose={choose} />
        </li>
      ))}
    </ul>
  )
  const title = (
    <>
      {word('group', group)} <b>{members.length}</b>
    </>
  )
  if (group === 'off') {
    return (
      <details className={`unit-group group-${group}`}>
        <summary>{title}</summary>
        {chips}
      </details>
    )
  }
  return (
    <section className={`unit-group group-${group}`} aria-label={word('group', group)}>
      <h3>{title}</h3>
      {chips}
    </section>
  )
}

/** Sign and words of a unit now: a silent one shows a broken ring whatever its status says. */
function useStanding(unit: Unit) {
  const { t, i18n } = useTranslation()
  const { city } = useCity()
  const fix = usePicture((picture) => picture.live.fixes.get(unit.id))
  const now = useNow()
  const status = statusOf(unit, city.statuses)
  const silent = isSilent(status, fix, now)
  const amber: Status = { ...status, colour_light: '#9A5B00', colour_dark: '#F2B04B' }
  const words = named(status, i18n.language)
  return {
    fix,
    silent,
    status: silent ? amber : status,
    shape: silent ? ('broken_ring' as const) : shapeOf(status),
    words: silent ? `${words} · ${t('units.silent')}` : words,
    age: fix === undefined ? null : Math.max(0, now - fix.at),
  }
}

interface ChipProps {
  unit: Unit
  chosen: boolean
  choose: (id: string | null) => void
}

const UnitChip = memo(function UnitChip({ unit, chosen, choose }: ChipProps) {
  const { status, shape, words } = useStanding(unit)
  return (
    <button
      type="button"
      className="chip"
      aria-pressed={chosen}
      title={`${unit.call_sign} · ${words}`}
      onClick={() => choose(chosen ? null : unit.id)}
    >
      <UnitSign shape={shape} status={status} />
      {unit.call_sign}
    </button>
  )
})

/** What is known of the chosen unit, in one line. */
function UnitLine({ unit, openMatter }: { unit: Unit; openMatter: (id: string) => void }) {
  const { t } = useTranslation()
  const { organisation } = useCity()
  const { status, shape, words, fix, age } = useStanding(unit)
  const incident = usePicture((picture) =>
    unit.order === null ? undefined : picture.live.incidents.get(unit.order.incident),
  )
  return (
    <div className="unit-line" role="status">
      <UnitSign shape={shape} status={status} heading={fix?.heading ?? null} />
      <b>{unit.call_sign}</b>
      <span>{words}</span>
      <span className="quiet">{organisation(unit.organisation)}</span>
      <span className="quiet">{word('mode', unit.mode)}</span>
      <span className="quiet">{unit.crew.map((member) => member.name).join('、')}</span>
      {age === null ? (
        <span className="quiet">{t('units.noFix')}</span>
      ) : (
        <span className="quiet">{t('units.fixAge', { age: span(age) })}</span>
      )}
      {unit.order === null ? null : (
        <button type="button" className="button plain" onClick={() => openMatter(unit.order?.incident ?? '')}>
          {incident?.number ?? t('units.toMatter')}
        </button>
      )}
    </div>
  )
}
