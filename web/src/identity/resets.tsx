/** Resets of other people's sign-in: the second person confirms, and hands the one-time password over. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { confirmReset, declineReset, readResets } from '../client/api'
import type { ResetView } from '../client/types'
import { LoadFailed, Loading } from '../ui/empty'
import { Copy } from './enrol'
import { Part, useDoing } from './security-page'

export function Resets() {
  const { t } = useTranslation()
  const doing = useDoing()
  const found = useQuery({ queryKey: ['resets'], queryFn: readResets })
  const [made, setMade] = useState<{ name: string; password: string } | null>(null)
  if (found.isPending) return <Loading what={t('page.loading')} />
  if (found.isError) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  const confirm = (one: ResetView) =>
    doing(() => confirmReset(one.id), () => '').then((done) => {
      if (done !== null && done.password !== null) setMade({ name: one.person_name, password: done.password })
    })
  return (
    <Part title={t('security.resets')}>
      {found.data.items.length === 0 ? <p className="quiet">{t('security.noResets')}</p> : null}
      <ul className="security-rows">
        {found.data.items.map((one) => (
          <li key={one.id}>
            <b>{one.person_name}</b>
            <span>{one.what === 'password' ? t('security.resetPassword') : t('security.resetFactor')}</span>
            <span className="quiet">{t('security.askedBy', { name: one.asked_by_name })}</span>
            <span className="quiet">{one.reason}</span>
            {one.may_confirm ? (
              <button type="button" className="button" onClick={() => void confirm(one)}>
                {t('security.confirmReset')}
              </button>
            ) : null}
            <button
              type="button"
              className="button"
              onClick={() => void doing(() => declineReset(one.id), () => '')}
            >
              {t('security.decline')}
            </button>
          </li>
        ))}
      </ul>
      {made === null ? null : (
        <div className="enrol-secret" role="status">
          <span>{t('security.freshPassword', { name: made.name })}</span>
          <code>{made.password}</code>
          <Copy text={made.password} />
        </div>
      )}
    </Part>
  )
}
