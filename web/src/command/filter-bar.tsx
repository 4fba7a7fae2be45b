/** What the list shows: by words, level, state, organisation. `/` comes here. */
import { type RefObject, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useCity } from '../ui/city'
import { go, usePlace } from '../ui/place'
import { word } from '../ui/word'
import { LevelFlag } from './level-flag'
import { isOpenSieve } from './sift'

const OPEN_STATES = ['received', 'waiting', 'dispatched', 'signed', 'under_way', 'on_scene', 'handling', 'reported']

export function clearFilters(): void {
  go({ levels: [], state: '', organisation: '', text: '' })
}

interface FilterProps {
  field: RefObject<HTMLInputElement | null>
  shown: number
  all: number
}

export function FilterBar({ field, shown, all }: FilterProps) {
  const { t } = useTranslation()
  const place = usePlace()
  return (
    <search className="filters">
      <div className="filters-line">
        <input
          ref={field}
          type="search"
          className="input small"
          aria-label={t('filter.text')}
          placeholder={t('filter.placeholder')}
          value={place.text}
          onChange={(event) => go({ text: event.target.value })}
          onKeyDown={(event) => {
            if (event.key === 'Enter') event.currentTarget.blur()
          }}
        />
        <LevelToggles chosen={place.levels} />
      </div>
      <div className="filters-line">
        <StateSelect value={place.state} />
        <OrganisationSelect value={place.organisation} />
        <span className="filters-count" role="status">
          {isOpenSieve(place) ? t('list.count', { count: all }) : t('list.some', { shown, all })}
        </span>
        {isOpenSieve(place) ? null : (
          <button type="button" className="button plain" onClick={clearFilters}>
            {t('list.clear')}
          </button>
        )}
      </div>
    </search>
  )
}

function LevelToggles({ chosen }: { chosen: readonly number[] }) {
  const { t } = useTranslation()
  const { city } = useCity()
  const toggle = (level: number) => {
    const levels = chosen.includes(level) ? chosen.filter((one) => one !== level) : [...chosen, level]
    go({ levels: levels.sort() })
  }
  return (
    <div className="switch levels" role="group" aria-label={t('filter.levels')}>
      {city.levels.map((level) => (
        <button
          key={level.code}
          type="button"
          aria-pressed={chosen.includes(level.code)}
          onClick={() => toggle(level.code)}
        >
          <LevelFlag level={level.code} />
        </button>
      ))}
    </div>
  )
}

function StateSelect({ value }: { value: string }) {
  const { t } = useTranslation()
  return (
    <select
      className="input small"
      aria-label={t('filter.state')}
      value={value}
      onChange={(event) => go({ state: event.target.value })}
    >
      <option value="">{t('filter.anyState')}</option>
      {OPEN_STATES.map((state) => (
        <option key={state} value={state}>
          {word('state', state)}
        </option>
      ))}
    </select>
  )
}

/** Organisations as a tree: every line indented by its depth. */
function OrganisationSelect({ value }: { value: string }) {
  const { t } = useTranslation()
  const { organisations, organisation } = useCity()
  const lines = useMemo(() => {
    const found: { id: string; depth: number }[] = []
    const visit = (parent: string | null, depth: number) => {
      for (const one of organisations) {
        if (one.parent !== parent || one.tier === 'partner') continue
        found.push({ id: one.id, depth })
        visit(one.id, depth + 1)
      }
    }
    visit(null, 0)
    return found
  }, [organisations])
  return (
    <select
      className="input small grow"
      aria-label={t('filter.organisation')}
      value={value}
      onChange={(event) => go({ organisation: event.target.value })}
    >
      <option value="">{t('filter.anyOrganisation')}</option>
      {lines.map(({ id, depth }) => (
        <option key={id} value={id}>
          {'\u3000'.repeat(depth)}
          {organisation(id)}
        </option>
      ))}
    </select>
  )
}
