/** Signing in: the password, and the code of the second factor where there is one. */
import { type FormEvent, type ReactNode, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { enterCode, signIn } from '../client/api'
import { Refusal } from '../client/request'
import type { Session } from '../client/types'
import { useSentence } from '../ui/empty'
import { CodeField } from './code-field'
import { Gate } from './gate'
import { ProviderButtons } from './providers'
import { useSessionDoor } from './session'

const codeOf = (error: unknown) => (error instanceof Refusal ? error.code : '')

/** Runs one step: busy meanwhile, and what went wrong in words. */
function useStep(wrong: string) {
  const sentence = useSentence()
  const { enter } = useSessionDoor()
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const go = async (step: () => Promise<Session>): Promise<string> => {
    setBusy(true)
    setFault(null)
    try {
      enter(await step())
      return ''
    } catch (error) {
      setFault(codeOf(error) === 'sign_in.failed' ? wrong : sentence(error))
      return codeOf(error) || 'failed'
    } finally {
      setBusy(false)
    }
  }
  return { busy, fault, setFault, go }
}

/** `again`: the session ran out; the page underneath waits. `known`: the name to sign in with. */
export function SignIn({ again = false, known = '' }: { again?: boolean; known?: string }) {
  const { t } = useTranslation()
  const [username, setUsername] = useState(known)
  const [password, setPassword] = useState('')
  const [code, setCode] = useState<string | null>(null)
  const step = useStep(t('signin.wrong'))
  const back = () => {
    setCode(null)
    setPassword('')
  }

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (code === null) {
      const refused = await step.go(() => signIn(username.trim(), password))
      if (refused === 'sign_in.code_needed') {
        setCode('')
        step.setFault(null)
      }
      setPassword('')
      return
    }
    const refused = await step.go(() => enterCode(code))
    setCode('')
    if (refused === 'sign_in.pending') back()
  }

  const form = (fields: ReactNode) => (
    <form onSubmit={(event) => void submit(event)} className="gate-form">
      {fields}
      <p className="fault" role="alert">
        {step.fault}
      </p>
      <button type="submit" className="button main" disabled={step.busy}>
        {step.busy ? t('signin.busy') : t('signin.enter')}
      </button>
    </form>
  )
  if (code !== null) {
    return (
      <Gate title={t('security.code')} lead={t('security.codeLead', { username })}>
        {form(<CodeField value={code} change={setCode} recovery />)}
        <button type="button" className="button plain" onClick={back}>
          {t('security.otherPerson')}
        </button>
      </Gate>
    )
  }
  return (
    <Gate title={again ? t('signin.again') : t('signin.title')} lead={again ? t('signin.kept') : ''}>
      {form(<Names name={username} setName={setUsername} password={password} setPassword={setPassword} />)}
      {again ? null : <ProviderButtons />}
    </Gate>
  )
}

interface NamesProps {
  name: string
  setName: (name: string) => void
  password: string
  setPassword: (password: string) => void
}

/** Username and password; whichever is missing has the keyboard. */
export function Names({ name, setName, password, setPassword }: NamesProps) {
  const { t } = useTranslation()
  const [known] = useState(name !== '')
  const ids = { username: useId(), password: useId() }
  return (
    <>
      <label htmlFor={ids.username}>{t('signin.username')}</label>
      <input
        id={ids.username}
        className="input"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus={!known}
        required
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <label htmlFor={ids.password}>{t('signin.password')}</label>
      <input
        id={ids.password}
        className="input"
        type="password"
        autoComplete="current-password"
        autoFocus={known}
        required
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
    </>
  )
}
