/** What went: by whom asked and agreed, with its certificate; and what went by itself. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readGone } from '../client/api'
import { useCity } from '../ui/city'
import { Empty, LoadFailed, Loading } from '../ui/empty'
import { word } from '../ui/word'

export function GoneList() {
  const { t } = useTranslation()
  const { fullTime } = useCity()
  const [after, setAfter] = useState<string | null>(null)
  const found = useQuery({ queryKey: ['keeping', 'gone', after], queryFn: ({ signal }) => readGone(after, signal) })
  if (found.isPending) return <Loading what={t('retention.loading')} />
  if (found.data === undefined) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  const { items, runs, names, next } = found.data
  const nameOf = (person: string) => names[person] ?? person
  const went = runs.filter((run) => run.count > 0)
  return (
    <>
      {items.length === 0 ? <Empty title={t('retention.noGone')} /> : null}
      <ul className="kept-rows">
        {items.map((row) => (
          <li key={`${row.matter} ${row.entry} ${row.of}`} className="kept-held kept-gone">
            <span className="number">{row.number}</span>
            <b>{word('kept', `of.${row.of}`)}</b>
            <span>
              {t('retention.items', { count: row.items })}
              {row.whole ? ` · ${t('retention.whole')}` : ''}
            </span>
            <span className="quiet">
              <time>{fullTime(row.gone_at)}</time> · {row.basis} ·{' '}
              {t('retention.byPeople', { asked: nameOf(row.requested_by), agreed: nameOf(row.approved_by) || '-' })}
            </span>
            <a className="button" href={`/api/retention/certificates/${row.matter}/page`} target="_blank" rel="noreferrer">
              {t('retention.certificate')}
            </a>
          </li>
        ))}
      </ul>
      {next === null ? null : (
        <button type="button" className="button" onClick={() => setAfter(next)}>
          {t('retention.more')}
        </button>
      )}
      {went.length === 0 ? null : (
        <section className="kept-auto">
          <h2>{t('retention.byItself')}</h2>
          <ul className="kept-rows">
            {went.map((run) => (
              <li key={`${run.day} ${run.of}`} className="kept-held kept-run">
                <span className="number">{run.day}</span>
                <b>{word('kept', `of.${run.of}`)}</b>
                <span>{t('retention.items', { count: run.count })}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  )
}
