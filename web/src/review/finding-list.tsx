/** What the rules find in the log, rule by rule. Nothing is summed up over people. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type LogFilter, readFindings } from '../client/api'
import type { Finding } from '../client/types'
import { useCity } from '../ui/city'
import { Empty, LoadFailed, Loading } from '../ui/empty'
import { Switch } from '../ui/switches'
import { word } from '../ui/word'
import { MatterLink } from './look-row'

const DAYS = [1, 7, 31] as const

interface FindingListProps {
  seeRows: (filter: LogFilter) => void
}

export function FindingList({ seeRows }: FindingListProps) {
  const { t } = useTranslation()
  const [days, setDays] = useState<number>(7)
  const found = useQuery({
    queryKey: ['findings', days],
    queryFn: ({ signal }) => readFindings(days, signal),
    gcTime: 0,
  })
  const rules = [...new Set(found.data?.items.map((one) => one.rule) ?? [])]
  return (
    <>
      <Switch
        label={t('access.findings')}
        options={DAYS.map((value) => ({ value, name: t('access.days', { days: value }) }))}
        value={days}
        choose={setDays}
      />
      {found.isPending ? <Loading what={t('access.loading')} /> : null}
      {found.error !== null && found.data === undefined ? (
        <LoadFailed error={found.error} again={() => void found.refetch()} />
      ) : null}
      {found.data === undefined ? null : <p className="quiet">{t('access.looked', { count: found.data.looked })}</p>}
      {found.data?.items.length === 0 ? <Empty title={t('access.noFindings', { days })} /> : null}
      {rules.map((rule) => (
        <section key={rule} className="rule">
          <h2>{word('look', `rule.${rule}`)}</h2>
          <ul>
            {found.data?.items
              .filter((one) => one.rule === rule)
              .map((one) => <FindingLine key={`${one.person}${one.matter}${one.first}`} one={one} seeRows={seeRows} />)}
          </ul>
        </section>
      ))}
    </>
  )
}

function FindingLine({ one, seeRows }: { one: Finding } & FindingListProps) {
  const { t, i18n } = useTranslation()
  const { fullTime } = useCity()
  const why = i18n.language.startsWith('zh') ? one.why_zh : one.why_en
  return (
    <li className="finding">
      <span className="finding-who">
        {one.person === '' ? null : (
          <>
            {one.name || one.person} <span className="quiet">{one.name === '' ? '' : one.person}</span>
          </>
        )}
        {one.matter === '' ? null : <MatterLink id={one.matter} />}
      </span>
      <span className="finding-why">{why}</span>
      <span className="quiet finding-when">
        <time>{fullTime(one.first)}</time> – <time>{fullTime(one.last).slice(11)}</time>
      </span>
      {one.person === '' ? (
        <span className="quiet">{t('access.rows', { count: one.count })}</span>
      ) : (
        <button type="button" className="button" onClick={() => seeRows({ person: one.person })}>
          {t('access.seeRows')} <span className="quiet">{one.count}</span>
        </button>
      )}
    </li>
  )
}
