/** "Prove it is you": asked by whatever is sensitive; the request that was refused then goes on by itself. */
import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { prove, readFactor } from '../client/api'
import { onProveAgain } from '../client/request'
import { useSentence } from '../ui/empty'
import { CodeField } from './code-field'
import { Dialog } from './dialog'
import { useSessionDoor } from './session'

type Settle = (proven: boolean) => void

/** Requests that were refused meanwhile wait for one and the same answer. */
function useAsked() {
  const waiting = useRef<Settle[]>([])
  const [asked, setAsked] = useState<'no' | 'password' | 'both'>('no')
  useEffect(() => {
    onProveAgain(
      () =>
        new Promise<boolean>((settle) => {
          waiting.current.push(settle)
          if (waiting.current.length > 1) return
          readFactor().then(
            ({ since }) => setAsked(since === null ? 'password' : 'both'),
            () => setAsked('both'),
          )
        }),
    )
    return () => onProveAgain(() => Promise.resolve(false))
  }, [])
  const done = (proven: boolean) => {
    setAsked('no')
    const settled = waiting.current
    waiting.current = []
    for (const settle of settled) settle(proven)
  }
  return { asked, done }
}

export function ProveAgain({ name }: { name: string }) {
  const { asked, done } = useAsked()
  return asked === 'no' ? null : <ProveForm name={name} both={asked === 'both'} done={done} />
}

function ProveForm({ name, both, done }: { name: string; both: boolean; done: Settle }) {
  const { t } = useTranslation()
  const { enter } = useSessionDoor()
  const sentence = useSentence()
  const id = useId()
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      enter(await prove(password, code))
      done(true)
    } catch (error) {
      setFault(sentence(error))
      setCode('')
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={t('security.proveTitle')}
      lead={t('security.proveLead', { name })}
      close={() => done(false)}
    >
      <form className="gate-form" onSubmit={(event) => void submit(event)}>
        <label htmlFor={id}>{t('security.password')}</label>
        <input
          id={id}
          className="input"
          type="password"
          autoComplete="current-password"
          autoFocus
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        {both ? <CodeField value={code} change={setCode} recovery first={false} /> : null}
        <p className="fault" role="alert">
          {fault}
        </p>
        <div className="ask-buttons">
          <button type="submit" className="button main" disabled={busy}>
            {t('security.prove')}
          </button>
          <button type="button" className="button" onClick={() => done(false)}>
            {t('security.cancel')} <kbd>Esc</kbd>
          </button>
        </div>
      </form>
    </Dialog>
  )
}
