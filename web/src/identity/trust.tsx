/** Roles of trust and identities of others: the second person confirms, and hands a one-time password over. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { confirmTrust, declineTrust, readTrust } from '../client/api'
import type { TrustView } from '../client/types'
import { useCity } from '../ui/city'
import { LoadFailed, Loading } from '../ui/empty'
import { dayTime } from '../ui/time'
import { word } from '../ui/word'
import { Copy } from './enrol'
import { Part, useDoing } from './security-page'

/** `always`: also when nothing waits, for those who may be a second person. */
export function Trust({ always }: { always: boolean }) {
  const { t } = useTranslation()
  const doing = useDoing()
  const found = useQuery({ queryKey: ['trust'], queryFn: readTrust })
  const [made, setMade] = useState<{ name: string; password: string } | null>(null)
  if (found.isPending) return always ? <Loading what={t('page.loading')} /> : null
  if (found.isError) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  const { items } = found.data
  if (!always && items.length === 0) return null
  const confirm = (one: TrustView) =>
    doing(() => confirmTrust(one.id), () => t('security.trustConfirmed')).then((done) => {
      if (done !== null && done.password !== null) setMade({ name: one.person_name, password: done.password })
    })
  return (
    <Part title={t('security.trust')} wide>
      <p className="quiet">{t('security.trustLead')}</p>
      {items.length === 0 ? <p className="quiet">{t('security.noTrust')}</p> : null}
      <ul className="security-rows">
        {items.map((one) => (
          <Waiting
            key={one.id}
            one={one}
            confirm={() => void confirm(one)}
            decline={() => void doing(() => declineTrust(one.id), () => t('security.trustDeclined'))}
          />
        ))}
      </ul>
      {made === null ? null : (
        <div className="enrol-secret" role="status">
          <span>{t('security.handOverPassword', { name: made.name })}</span>
          <code>{made.password}</code>
          <Copy text={made.password} />
        </div>
      )}
    </Part>
  )
}

function useWhyNot(): Record<string, string> {
  const { t } = useTranslation()
  return {
    'trust.same_person': t('security.whySame'),
    'person.self': t('security.whySelf'),
    'trust.alone': t('security.whyAlone'),
    'trust.pair': t('security.whyPair'),
    'trust.gone': t('security.whyGone'),
  }
}

interface WaitingProps {
  one: TrustView
  confirm: () => void
  decline: () => void
}

function Waiting({ one, confirm, decline }: WaitingProps) {
  const { t } = useTranslation()
  const { city, organisation: place } = useCity()
  const why = useWhyNot()[one.why_not]
  const at = (moment: string) => dayTime(Date.parse(moment), city.timezone)
  return (
    <li className="trust-row">
      <b>{one.person_name}</b>
      <span className="quiet">
        {one.username} · {place(one.belongs_to)}
      </span>
      <span>
        {one.role === null
          ? t('security.trustIdentity', { subject: one.subject, issuer: one.issuer })
          : t('security.trustGrant', { role: word('role', one.role), place: place(one.organisation ?? '') })}
        {one.until === null ? null : <span className="quiet"> {t('security.trustUntil', { at: at(one.until) })}</span>}
      </span>
      <span className="quiet">
        {t('security.askedBy', { name: one.asked_by_name })} <time>{at(one.asked_at)}</time>
      </span>
      <span className="quiet">{one.reason}</span>
      <span className="quiet">
        {t('security.waitsUntil')} <time>{at(one.expires_at)}</time>
      </span>
      {one.anew && one.may_confirm ? <span className="hint wide-line">{t('security.trustAnew')}</span> : null}
      {why === undefined ? null : <span className="hint wide-line">{why}</span>}
      <span className="trust-buttons">
        {one.may_confirm ? (
          <button type="button" className="button" onClick={confirm}>
            {t('security.confirmTrust')}
          </button>
        ) : null}
        <button type="button" className="button" onClick={decline}>
          {one.why_not === 'trust.same_person' ? t('security.takeBack') : t('security.declineTrust')}
        </button>
      </span>
    </li>
  )
}
