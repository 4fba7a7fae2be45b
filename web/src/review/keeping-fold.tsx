/** The keeping of the matter on the desk, folded away: it is read, and the look recorded, when unfolded. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '../identity/session'
import { KeepingForm } from './keeping-form'
import './retention-page.css'

const ROLES: readonly string[] = ['duty_chief', 'station_room', 'auditor']

export function KeepingFold({ id }: { id: string }) {
  const { t } = useTranslation()
  const session = useSession()
  const [open, setOpen] = useState(false)
  if (!session.grants.some((grant) => ROLES.includes(grant.role))) return null
  return (
    <section className="kept-fold" aria-label={t('retention.keeping')}>
      <button type="button" className="button plain" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t('retention.keepingOf')}
      </button>
      {open ? <KeepingForm matter={id} of={null} /> : null}
    </section>
  )
}
