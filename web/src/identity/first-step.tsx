/** What must be done before anything else: a password of one's own, or a second factor. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession, useSessionDoor } from './session'
import type { Session } from '../client/types'
import { Codes, Enrol } from './enrol'
import { Gate } from './gate'
import { PasswordForm } from './password-form'
import { ProveAgain } from './prove-again'

export function FirstStep({ needs }: { needs: Session['needs'] }) {
  const { t } = useTranslation()
  const { enter, leave } = useSessionDoor()
  const session = useSession()
  const [done, setDone] = useState<{ codes: string[]; session: Session } | null>(null)
  const out = (
    <button type="button" className="button plain" onClick={() => void leave()}>
      {t('head.signOut')}
    </button>
  )
  if (done !== null) {
    return (
      <Gate title={t('security.codes')} lead={t('security.codesLead')}>
        <Codes codes={done.codes} kept={() => enter(done.session)} />
      </Gate>
    )
  }
  if (needs === 'password') {
    return (
      <Gate title={t('security.firstPassword')} lead={t('security.firstPasswordLead')}>
        <PasswordForm done={enter} />
        {out}
        <ProveAgain name={session.person.name} />
      </Gate>
    )
  }
  return (
    <Gate title={t('security.firstFactor')} lead={t('security.firstFactorLead')}>
      <Enrol at="once" done={(codes, fresh) => setDone({ codes, session: fresh })} />
      {out}
      <ProveAgain name={session.person.name} />
    </Gate>
  )
}
