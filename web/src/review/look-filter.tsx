/** What of the log to show. */
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { LogFilter } from '../client/api'
import { word } from '../ui/word'
import { OUTCOMES, WHATS, WHYS } from './codes'

interface LookFilterProps {
  filter: LogFilter
  setFilter: (filter: LogFilter) => void
}

/** Waits until somebody has stopped typing: each asking is a row of the log. */
const PAUSE_MS = 600

function PersonField({ filter, setFilter }: LookFilterProps) {
  const { t } = useTranslation()
  const [typed, setTyped] = useState(filter.person ?? '')
  const asked = filter.person ?? ''
  useEffect(() => setTyped(asked), [asked])
  useEffect(() => {
    if (typed === asked || !/^[A-Za-z0-9:_-]*$/.test(typed)) return
    const timer = setTimeout(() => setFilter({ ...filter, person: typed }), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, asked, filter, setFilter])
  return (
    <input
      className="input small"
      aria-label={t('access.person')}
      placeholder={t('access.person')}
      value={typed}
      maxLength={63}
      onChange={(event) => setTyped(event.target.value.trim())}
    />
  )
}

interface ChoiceProps extends LookFilterProps {
  name: 'what' | 'outcome' | 'justification'
  any: string
  codes: readonly string[]
  group: string
}

function Choice({ name, any, codes, group, filter, setFilter }: ChoiceProps) {
  return (
    <select
      className="input small"
      aria-label={any}
      value={filter[name] ?? ''}
      onChange={(event) => setFilter({ ...filter, [name]: event.target.value })}
    >
      <option value="">{any}</option>
      {codes.map((code) => (
        <option key={code} value={code}>
          {word('look', `${group}.${code}`)}
        </option>
      ))}
    </select>
  )
}

function DayField({ name, label, filter, setFilter }: LookFilterProps & { name: 'since' | 'until'; label: string }) {
  return (
    <label className="look-day">
      <span className="quiet">{label}</span>
      <input
        type="date"
        className="input small"
        value={filter[name] ?? ''}
        onChange={(event) => setFilter({ ...filter, [name]: event.target.value })}
      />
    </label>
  )
}

export function LookFilter({ filter, setFilter }: LookFilterProps) {
  const { t } = useTranslation()
  const both = { filter, setFilter }
  const set = Object.values(filter).some((value) => value !== '')
  return (
    <div className="look-filter">
      <PersonField {...both} />
      <Choice name="what" any={t('access.anyWhat')} codes={WHATS} group="what" {...both} />
      <Choice name="outcome" any={t('access.anyOutcome')} codes={OUTCOMES} group="outcome" {...both} />
      <Choice name="justification" any={t('access.anyWhy')} codes={WHYS} group="why" {...both} />
      <DayField name="since" label={t('access.from')} {...both} />
      <DayField name="until" label={t('access.to')} {...both} />
      {set ? (
        <button type="button" className="button" onClick={() => setFilter({})}>
          {t('access.clear')}
        </button>
      ) : null}
    </div>
  )
}
