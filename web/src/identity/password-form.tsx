/** Changing the own password. */
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { changePassword, judgePassword } from '../client/api'
import type { Session } from '../client/types'
import { useSentence } from '../ui/empty'
import { PasswordField } from './password-field'

const FIELDS = ['oldPassword', 'newPassword', 'repeatPassword'] as const
const BLANK = { oldPassword: '', newPassword: '', repeatPassword: '' }

export function PasswordForm({ done }: { done: (session: Session) => void }) {
  const { t } = useTranslation()
  const sentence = useSentence()
  const [form, setForm] = useState(BLANK)
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const names = {
    oldPassword: t('security.oldPassword'),
    newPassword: t('security.newPassword'),
    repeatPassword: t('security.repeatPassword'),
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (form.newPassword !== form.repeatPassword) return setFault(t('security.differ'))
    setBusy(true)
    setFault(null)
    try {
      const session = await changePassword(form.oldPassword, form.newPassword)
      setForm(BLANK)
      done(session)
    } catch (error) {
      setFault(sentence(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <form className="gate-form" onSubmit={(event) => void submit(event)}>
      {FIELDS.map((field) => (
        <PasswordField
          key={field}
          label={names[field]}
          value={form[field]}
          change={(value) => setForm((before) => ({ ...before, [field]: value }))}
          completion={field === 'oldPassword' ? 'current-password' : 'new-password'}
          judge={field === 'newPassword' ? judgePassword : undefined}
        />
      ))}
      <p className="fault" role="alert">
        {fault}
      </p>
      <button type="submit" className="button main" disabled={busy}>
        {t('security.passwordChange')}
      </button>
    </form>
  )
}
