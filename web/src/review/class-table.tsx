/** The city's table: what each class covers, how long it is kept, and on which basis. */
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { readClasses } from '../client/api'
import { LoadFailed, Loading } from '../ui/empty'
import { named } from '../ui/language'

export function ClassTable() {
  const { t, i18n } = useTranslation()
  const found = useQuery({ queryKey: ['classes'], queryFn: ({ signal }) => readClasses(signal) })
  if (found.isPending) return <Loading what={t('retention.loading')} />
  if (found.data === undefined) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  const chinese = i18n.language.startsWith('zh')
  return (
    <ul className="kept-rows">
      {found.data.items.map((one) => (
        <li key={one.code} className="kept-held">
          <b>{named(one, i18n.language)}</b>
          <span className="number">
            {one.permanent ? t('retention.permanent') : null}
            {one.days === null ? null : t('retention.days', { count: one.days })}
            {one.months === null ? null : t('retention.months', { count: one.months })}
            {one.longer.length > 0 ? ` · ${t('retention.longer')}` : ''}
          </span>
          <span>{one.permanent ? '' : one.review ? t('retention.reviewed') : t('retention.unreviewed')}</span>
          <span>{chinese ? one.covers_zh : one.covers_en}</span>
          <span className="quiet">{chinese ? one.basis_zh : one.basis_en}</span>
        </li>
      ))}
    </ul>
  )
}
