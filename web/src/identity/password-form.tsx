/** Changing the own password. */
import { type FormEvent, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { changePassword } from '../client/api'
import type { Session } from '../client/types'
import { useSentence } from '../ui/empty'

const FIELDS = ['oldPassword', 'newPassword', 'repeatPassword'] as const
const BLANK = { oldPassword: '', newPassword: '', repeatPassword: '' }

export function PasswordForm({ done }: { done: (session: Session) => void }) {
  const { t } = useTranslation()
  const sentence = useSentence()
  const id = useId()
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
        <div key={field} className="gate-field">
          <label htmlFor={id + field}>{names[field]}</label>
          <input
            id={id + field}
            className="input"
            type="password"
            autoComplete={field === 'oldPassword' ? 'current-password' : 'new-password'}
            required
            value={form[field]}
            onChange={(event) => setForm({ ...form, [field]: event.target.value })}
          />
        </div>
      ))}
      <p className="quiet hint">{t('security.passwordHint')}</p>
      <p className="fault" role="alert">
        {fault}
      </p>
      <button type="submit" className="button main" disabled={busy}>
        {t('security.passwordChange')}
      </button>
    </form>
  )
}
