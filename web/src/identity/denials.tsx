/** What the door refused, for those who read the audit: failed sign-ins, wrong codes, forged requests. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readDenials } from '../client/api'
import { useCity } from '../ui/city'
import { LoadFailed, Loading } from '../ui/empty'
import { dayTime } from '../ui/time'
import { word } from '../ui/word'
import { Part } from './security-page'

const GROUPS = ['', 'sign_in', 'rate', 'session', 'oidc', 'token'] as const

export function Denials() {
  const { t } = useTranslation()
  const { city } = useCity()
  const [group, setGroup] = useState('')
  const found = useInfiniteQuery({
    queryKey: ['denials', group],
    queryFn: ({ pageParam }) => readDenials(group, pageParam),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next,
  })
  const items = found.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <Part title={t('security.denials')} wide>
      <p className="quiet">{t('security.denialsLead')}</p>
      <label className="denials-filter">
        {t('security.denialKind')}
        <select className="input small" value={group} onChange={(event) => setGroup(event.target.value)}>
          {GROUPS.map((one) => (
            <option key={one} value={one}>
              {one === '' ? t('security.allDenials') : word('denial.group', one)}
            </option>
          ))}
        </select>
      </label>
      {found.isPending ? <Loading what={t('page.loading')} /> : null}
      {found.isError ? <LoadFailed error={found.error} again={() => void found.refetch()} /> : null}
      {found.isSuccess && items.length === 0 ? <p className="quiet">{t('security.noDenials')}</p> : null}
      <ul className="security-rows">
        {items.map((one) => (
          <li key={one.id}>
            <time>{dayTime(Date.parse(one.last_at), city.timezone)}</time>
            <b>{word('denial.what', one.what.replace('.', '_'))}</b>
            {one.times > 1 ? <span>{t('security.times', { count: one.times })}</span> : null}
            <span>{one.person_name === '' ? t('security.nobodyKnown') : one.person_name}</span>
            <span className="number quiet">{one.address}</span>
            <span className="quiet denials-route">
              {one.method} {one.route}
            </span>
          </li>
        ))}
      </ul>
      {found.hasNextPage ? (
        <div className="security-tools">
          <button type="button" className="button" onClick={() => void found.fetchNextPage()}>
            {t('security.more')}
          </button>
        </div>
      ) : null}
    </Part>
  )
}
