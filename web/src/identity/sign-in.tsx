import { type FormEvent, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { signIn } from '../client/api'
import { Refusal } from '../client/request'
import { useSentence } from '../ui/empty'
import { Gate } from './gate'
import { useSessionDoor } from './session'

function useSignIn(known: string) {
  const { t } = useTranslation()
  const { enter } = useSessionDoor()
  const sentence = useSentence()
  const [username, setUsername] = useState(known)
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setFault(null)
    try {
      enter(await signIn(username.trim(), password))
    } catch (error) {
      const unknown = error instanceof Refusal && error.status === 401
      setFault(unknown ? t('signin.wrong') : sentence(error))
      setPassword('')
    } finally {
      setBusy(false)
    }
  }
  return { username, setUsername, password, setPassword, busy, fault, submit }
}

/** `again`: the session ran out; the page underneath waits. `known`: the name to sign in with. */
export function SignIn({ again = false, known = '' }: { again?: boolean; known?: string }) {
  const { t } = useTranslation()
  const form = useSignIn(known)
  const ids = { username: useId(), password: useId(), fault: useId() }
  return (
    <Gate title={again ? t('signin.again') : t('signin.title')} lead={again ? t('signin.kept') : ''}>
      <form onSubmit={(event) => void form.submit(event)} className="gate-form">
        <label htmlFor={ids.username}>{t('signin.username')}</label>
        <input
          id={ids.username}
          className="input"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus={known === ''}
          required
          value={form.username}
          onChange={(event) => form.setUsername(event.target.value)}
        />
        <label htmlFor={ids.password}>{t('signin.password')}</label>
        <input
          id={ids.password}
          className="input"
          type="password"
          autoComplete="current-password"
          autoFocus={known !== ''}
          required
          aria-describedby={ids.fault}
          value={form.password}
          onChange={(event) => form.setPassword(event.target.value)}
        />
        <p id={ids.fault} className="fault" role="alert">
          {form.fault}
        </p>
        <button type="submit" className="button main" disabled={form.busy}>
          {form.busy ? t('signin.busy') : t('signin.enter')}
        </button>
      </form>
    </Gate>
  )
}
