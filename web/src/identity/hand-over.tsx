/** Shift change at a shared desk: the next person signs in over the page, which keeps its place. */
import { type FormEvent, useId, useState } from 'react'
import { createPortal } from 'react-dom'
import { useTranslation } from 'react-i18next'
import { handOver } from '../client/api'
import { Refusal } from '../client/request'
import { leaveBehind } from '../command/left'
import { useSentence } from '../ui/empty'
import { CodeField } from './code-field'
import { Dialog } from './dialog'
import { useSessionDoor } from './session'
import { Names } from './sign-in'

const KEPT_DESK = 'muster.desk'

export function HandOverButton({ opened }: { opened: () => void }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  const start = () => {
    opened()
    setOpen(true)
  }
  return (
    <>
      <button type="button" className="button" onClick={start}>
        {t('security.handOver')}
      </button>
      {/* Outside the menu: what is folded away shows no dialog either. */}
      {open ? createPortal(<HandOverForm close={() => setOpen(false)} />, document.body) : null}
    </>
  )
}

function useHandOver() {
  const { takeOver } = useSessionDoor()
  const sentence = useSentence()
  const [form, setForm] = useState({
    username: '',
    password: '',
    code: '',
    note: '',
    desk: localStorage.getItem(KEPT_DESK) ?? '',
  })
  const [coded, setCoded] = useState(false)
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setFault(null)
    localStorage.setItem(KEPT_DESK, form.desk)
    try {
      const taken = await handOver(form)
      leaveBehind(taken.hand_over.from_name, taken.session.person.id)
      takeOver(taken.session, taken.hand_over)
    } catch (error) {
      // The password was right and a code is missing: only then it is asked for.
      const needsCode = error instanceof Refusal && error.code === 'sign_in.code_wrong'
      setCoded(coded || needsCode)
      if (!needsCode || form.code !== '') setFault(sentence(error))
      setForm({ ...form, code: '' })
      setBusy(false)
    }
  }
  const change = (change: Partial<typeof form>) => setForm({ ...form, ...change })
  return { form, change, coded, busy, fault, submit }
}

function HandOverForm({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const { form, change, coded, busy, fault, submit } = useHandOver()
  const ids = { desk: useId(), note: useId() }
  return (
    <Dialog title={t('security.handOver')} lead={t('security.handOverLead')} close={close}>
      <form className="gate-form" onSubmit={(event) => void submit(event)}>
        <Names
          name={form.username}
          setName={(username) => change({ username })}
          password={form.password}
          setPassword={(password) => change({ password })}
        />
        {coded ? <CodeField value={form.code} change={(code) => change({ code })} recovery /> : null}
        <label htmlFor={ids.desk}>{t('security.desk')}</label>
        <input
          id={ids.desk}
          className="input"
          maxLength={60}
          value={form.desk}
          onChange={(event) => change({ desk: event.target.value })}
        />
        <label htmlFor={ids.note}>{t('security.note')}</label>
        <textarea
          id={ids.note}
          className="input"
          rows={3}
          maxLength={1000}
          value={form.note}
          onChange={(event) => change({ note: event.target.value })}
        />
        <p className="fault" role="alert">
          {fault}
        </p>
        <div className="ask-buttons">
          <button type="submit" className="button main" disabled={busy}>
            {t('security.takeOver')}
          </button>
          <button type="button" className="button" onClick={close}>
            {t('security.cancel')} <kbd>Esc</kbd>
          </button>
        </div>
      </form>
    </Dialog>
  )
}

/** What the one before has to say, shown once over the page. */
export function HandedOver() {
  const { t } = useTranslation()
  const { handedOver, seen } = useSessionDoor()
  if (handedOver === null) return null
  const { from_name: from, open_matters: count, desk, note } = handedOver
  const lead = [desk, t('security.openMatters', { count })].filter((words) => words !== '').join(' · ')
  return (
    <Dialog title={t('security.tookOver', { from })} lead={lead} close={seen}>
      {note === '' ? null : <p className="ask-note">{note}</p>}
      <div className="ask-buttons">
        <button type="button" className="button main" autoFocus onClick={seen}>
          {t('security.seen')}
        </button>
      </div>
    </Dialog>
  )
}
