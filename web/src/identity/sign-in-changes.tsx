/** What was changed of the own sign-in elsewhere or by others: said on every page until it was read. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readChange, readChanges, readCity } from '../client/api'
import type { SignInChange } from '../client/types'
import { useSentence } from '../ui/empty'
import { go, usePlace } from '../ui/place'
import { dayTime } from '../ui/time'
import './sign-in-changes.css'

const EVERY_MS = 60_000

export function SignInChanges() {
  const { t } = useTranslation()
  const found = useQuery({
    queryKey: ['sign-in-changes'],
    queryFn: readChanges,
    refetchInterval: EVERY_MS,
    refetchOnWindowFocus: true,
  })
  // The city's own time, as everywhere; the page has asked for the city anyway.
  const city = useQuery({ queryKey: ['city'], queryFn: ({ signal }) => readCity(signal), staleTime: Infinity })
  // No answer is said by the page itself; here the last one stays.
  const items = found.data?.items ?? []
  const zone = city.data?.timezone
  if (items.length === 0 || zone === undefined) return null
  return (
    <section className="sign-in-changes" aria-label={t('security.changes')} role="alert">
      <ul>
        {items.map((one) => (
          <Told key={one.id} one={one} zone={zone} />
        ))}
      </ul>
    </section>
  )
}

function useWhat(): Record<string, string> {
  const { t } = useTranslation()
  return {
    password: t('security.changedPassword'),
    factor: t('security.changedFactor'),
    factor_off: t('security.changedFactorOff'),
    codes: t('security.changedCodes'),
    identity: t('security.changedIdentity'),
    identity_off: t('security.changedIdentityOff'),
  }
}

function Told({ one, zone }: { one: SignInChange; zone: string }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const sentence = useSentence()
  const what = useWhat()
  const { page } = usePlace()
  const [fault, setFault] = useState<string | null>(null)
  const by = () => {
    if (one.own) return t('security.byYourself', { where: `${one.agent} ${one.address}`.trim() })
    return one.by_name === '' ? t('security.byMachine') : t('security.bySomebody', { name: one.by_name })
  }
  const read = () =>
    readChange(one.id).then(
      () => client.invalidateQueries({ queryKey: ['sign-in-changes'] }),
      (error: unknown) => setFault(sentence(error)),
    )
  return (
    <li>
      <span>
        <b>{what[one.what] ?? one.what}</b> <time>{dayTime(Date.parse(one.at), zone)}</time> {by()}
        <span className="quiet"> {t('security.notYou')}</span>
      </span>
      {fault === null ? null : <span className="fault">{fault}</span>}
      <span className="sign-in-changes-tools">
        {page === 'security' ? null : (
          <button type="button" className="button" onClick={() => go({ page: 'security' }, true)}>
            {t('security.lookAtSignIn')}
          </button>
        )}
        <button type="button" className="button" onClick={() => void read()}>
          {t('security.iKnow')}
        </button>
      </span>
    </li>
  )
}
