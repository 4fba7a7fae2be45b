/** The one-time page that makes the first administrator; its link is printed where Muster was started. */
import { type FormEvent, useCallback, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createFirst, judgeFirstPassword } from '../client/api'
import { useSentence } from '../ui/empty'
import { Gate } from './gate'
import { PasswordField } from './password-field'

interface Form {
  name: string
  username: string
  password: string
  repeat: string
}

const BLANK: Form = { name: '', username: '', password: '', repeat: '' }
const TEXTS = ['name', 'username'] as const
const PASSWORDS = ['password', 'repeat'] as const

function useFirst(token: string) {
  const { t } = useTranslation()
  const sentence = useSentence()
  const [form, setForm] = useState(BLANK)
  const [fault, setFault] = useState<string | null>(null)
  const [step, setStep] = useState<'form' | 'busy' | 'done'>('form')

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (form.password !== form.repeat) return setFault(t('first.differ'))
    setStep('busy')
    setFault(null)
    const { name, username, password } = form
    try {
      await createFirst({ token, username: username.trim(), name: name.trim(), password })
      setStep('done')
    } catch (error) {
      setFault(sentence(error))
      setStep('form')
    }
  }
  return { form, setForm, fault, step, submit }
}

export function First({ token }: { token: string }) {
  const { t } = useTranslation()
  const { form, setForm, fault, step, submit } = useFirst(token)
  const id = useId()
  const { username } = form
  const judge = useCallback((password: string) => judgeFirstPassword(username, password), [username])
  if (token === '') return <Gate title={t('first.title')} lead={t('first.noToken')} children={null} />
  if (step === 'done') {
    return (
      <Gate title={t('first.done')} lead={t('first.doneLead', { username: form.username })}>
        <a className="button main" href="./">
          {t('first.enter')}
        </a>
      </Gate>
    )
  }
  return (
    <Gate title={t('first.title')} lead={t('first.lead')}>
      <form onSubmit={(event) => void submit(event)} className="gate-form">
        {TEXTS.map((field) => (
          <div key={field} className="gate-field">
            <label htmlFor={id + field}>{t(`first.${field}`)}</label>
            <input
              id={id + field}
              className="input"
              autoComplete={field}
              autoCapitalize={field === 'username' ? 'none' : undefined}
              required
              value={form[field]}
              onChange={(event) => setForm({ ...form, [field]: event.target.value })}
            />
          </div>
        ))}
        {PASSWORDS.map((field) => (
          <PasswordField
            key={field}
            label={t(`first.${field}`)}
            value={form[field]}
            change={(value) => setForm((before) => ({ ...before, [field]: value }))}
            completion="new-password"
            judge={field === 'password' ? judge : undefined}
          />
        ))}
        <p className="fault" role="alert">
          {fault}
        </p>
        <button type="submit" className="button main" disabled={step === 'busy'}>
          {t('first.create')}
        </button>
      </form>
    </Gate>
  )
}
