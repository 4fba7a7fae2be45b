/** Asking for somebody else's one-time password, or to take off the second factor: who, what and why. */
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { askReset, readEverybody } from '../client/api'
import type { PersonView } from '../client/types'
import { useCity } from '../ui/city'
import { LoadFailed, Loading } from '../ui/empty'
import { Part, useDoing } from './security-page'
import { useSession } from './session'

type What = 'password' | 'factor'

export function AskReset() {
  const { t } = useTranslation()
  const found = useQuery({ queryKey: ['everybody'], queryFn: readEverybody })
  if (found.isPending) return <Loading what={t('page.loading')} />
  if (found.isError) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  return (
    <Part title={t('security.askReset')}>
      <p className="quiet">{t('security.askResetLead')}</p>
      <AskForm people={found.data} />
    </Part>
  )
}

function AskForm({ people }: { people: readonly PersonView[] }) {
  const { t } = useTranslation()
  const me = useSession().person.id
  const id = useId()
  const doing = useDoing()
  const [typed, setTyped] = useState('')
  const [what, setWhat] = useState<What>('password')
  const [reason, setReason] = useState('')
  const choices = people.filter((one) => one.active && one.id !== me)
  const chosen = choices.find((one) => one.username === typed.trim().toLowerCase())
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (chosen === undefined) return
    void doing(() => askReset(chosen.id, { what, reason }), () => t('security.resetAsked')).then((made) => {
      if (made === null) return
      setTyped('')
      setReason('')
    })
  }
  return (
    <form className="gate-form" onSubmit={submit}>
      <Whom choices={choices} chosen={chosen} typed={typed} setTyped={setTyped} />
      <label htmlFor={`${id}what`}>{t('security.whatReset')}</label>
      <select
        id={`${id}what`}
        className="input"
        value={what}
        onChange={(event) => setWhat(event.target.value === 'factor' ? 'factor' : 'password')}
      >
        <option value="password">{t('security.resetPassword')}</option>
        <option value="factor">{t('security.resetFactor')}</option>
      </select>
      <label htmlFor={`${id}why`}>{t('security.reason')}</label>
      <input
        id={`${id}why`}
        className="input"
        required
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <button type="submit" className="button main" disabled={chosen === undefined}>
        {t('security.askReset')}
      </button>
    </form>
  )
}

interface WhomProps {
  choices: readonly PersonView[]
  chosen: PersonView | undefined
  typed: string
  setTyped: (typed: string) => void
}

/** Typed or chosen from the list; the name under it says who it is. */
function Whom({ choices, chosen, typed, setTyped }: WhomProps) {
  const { t } = useTranslation()
  const { organisation } = useCity()
  const id = useId()
  return (
    <>
      <label htmlFor={`${id}who`}>{t('security.whom')}</label>
      <input
        id={`${id}who`}
        className="input"
        list={`${id}people`}
        autoComplete="off"
        autoCapitalize="none"
        required
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <datalist id={`${id}people`}>
        {choices.map((one) => (
          <option key={one.id} value={one.username}>
            {one.name} · {organisation(one.organisation)}
          </option>
        ))}
      </datalist>
      <p className="hint quiet" aria-live="polite">
        {typed === ''
          ? t('security.whomHint')
          : chosen === undefined
            ? t('security.whomUnknown')
            : `${chosen.name} · ${organisation(chosen.organisation)}`}
      </p>
    </>
  )
}
