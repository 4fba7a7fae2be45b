/** Making a token: for which organisation, for what, for how long. */
import { type FormEvent, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createToken } from '../client/api'
import type { TokenScope } from '../client/types'
import { useCity } from '../ui/city'
import { useSentence } from '../ui/empty'
import { named } from '../ui/language'
import { useSession } from './session'
import { SCOPES, useScopeName } from './token-scopes'

const DAYS = [30, 90, 180, 365] as const

interface Draft {
  name: string
  organisation: string
  scopes: TokenScope[]
  days: number
  unit: string
  networks: string
}

function bodyOf(draft: Draft) {
  // A minute less than whole days: the server counts from when the request reaches it.
  const ends = new Date(Date.now() + draft.days * 86_400_000 - 60_000)
  return {
    name: draft.name.trim(),
    organisation: draft.organisation,
    scopes: draft.scopes,
    expires_at: ends.toISOString(),
    unit: draft.unit.trim() === '' ? null : draft.unit.trim(),
    networks: draft.networks.split(/[\s,]+/).filter((one) => one !== ''),
  }
}

function useMaking(made: (value: string) => void) {
  const { grants } = useSession()
  const sentence = useSentence()
  const first = grants.find((one) => one.role === 'administrator')?.organisation ?? ''
  const empty: Draft = { name: '', organisation: first, scopes: [], days: 90, unit: '', networks: '' }
  const [draft, setDraft] = useState(empty)
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }))
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setFault(null)
    try {
      made((await createToken(bodyOf(draft))).value)
    } catch (error) {
      setFault(sentence(error))
    } finally {
      setBusy(false)
    }
  }
  return { draft, change, busy, fault, submit }
}

function Scopes({ chosen, change }: { chosen: TokenScope[]; change: (scopes: TokenScope[]) => void }) {
  const { t } = useTranslation()
  const scopeName = useScopeName()
  const turn = (scope: TokenScope, on: boolean) =>
    change(on ? [...chosen, scope] : chosen.filter((one) => one !== scope))
  return (
    <fieldset className="token-choice">
      <legend>{t('tokens.scopes')}</legend>
      {SCOPES.map((scope) => (
        <label key={scope}>
          <input
            type="checkbox"
            checked={chosen.includes(scope)}
            onChange={(event) => turn(scope, event.target.checked)}
          />
          {scopeName(scope)}
        </label>
      ))}
    </fieldset>
  )
}

interface LineProps {
  label: string
  value: string
  hint: string
  set: (value: string) => void
  needed?: boolean
}

function Line({ label, value, hint, set, needed = false }: LineProps) {
  const id = useId()
  return (
    <div>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="input"
        value={value}
        placeholder={hint}
        required={needed}
        autoFocus={needed}
        maxLength={needed ? 100 : 400}
        onChange={(event) => set(event.target.value)}
      />
    </div>
  )
}

/** For which organisation, and for how long. */
function Where({ draft, change }: { draft: Draft; change: (part: Partial<Draft>) => void }) {
  const { t, i18n } = useTranslation()
  const { organisations } = useCity()
  const ids = { organisation: useId(), days: useId() }
  return (
    <>
      <div>
        <label htmlFor={ids.organisation}>{t('tokens.organisation')}</label>
        <select
          id={ids.organisation}
          className="input"
          value={draft.organisation}
          onChange={(event) => change({ organisation: event.target.value })}
        >
          {organisations.map((one) => (
            <option key={one.id} value={one.id}>
              {named(one, i18n.language)}
            </option>
          ))}
        </select>
      </div>
      <div>
        <label htmlFor={ids.days}>{t('tokens.days')}</label>
        <select
          id={ids.days}
          className="input"
          value={draft.days}
          onChange={(event) => change({ days: Number(event.target.value) })}
        >
          {DAYS.map((count) => (
            <option key={count} value={count}>
              {t('tokens.forDays', { count })}
            </option>
          ))}
        </select>
      </div>
    </>
  )
}

export function TokenForm({ made, cancel }: { made: (value: string) => void; cancel: () => void }) {
  const { t } = useTranslation()
  const { draft, change, busy, fault, submit } = useMaking(made)
  return (
    <form className="token-form" onSubmit={(event) => void submit(event)}>
      <Line
        label={t('tokens.name')}
        hint={t('tokens.namePlaceholder')}
        value={draft.name}
        set={(name) => change({ name })}
        needed
      />
      <Where draft={draft} change={change} />
      <Line label={t('tokens.unit')} hint={t('tokens.unitHint')} value={draft.unit} set={(unit) => change({ unit })} />
      <Line
        label={t('tokens.networks')}
        hint={t('tokens.networksHint')}
        value={draft.networks}
        set={(networks) => change({ networks })}
      />
      <Scopes chosen={draft.scopes} change={(scopes) => change({ scopes })} />
      <div className="token-tools">
        <button type="submit" className="button main" disabled={busy || draft.scopes.length === 0}>
          {busy ? t('tokens.busy') : t('tokens.create')}
        </button>
        <button type="button" className="button" onClick={cancel}>
          {t('tokens.cancel')}
        </button>
        <p className="fault" role="alert">
          {fault}
        </p>
      </div>
    </form>
  )
}
