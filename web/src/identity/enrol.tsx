/** Enrolling an authenticator app, and the recovery codes that come of it. */
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { beginFactor, confirmFactor } from '../client/api'
import type { Session } from '../client/types'
import { useSentence } from '../ui/empty'
import { CodeField } from './code-field'
import './security.css'

interface Begun {
  secret: string
  qr: string
}

interface EnrolProps {
  /** `once`: begins by itself, because it must be done. */
  at: 'once' | 'button'
  again?: boolean
  done: (codes: string[], session: Session) => void
}

export function Enrol({ at, again = false, done }: EnrolProps) {
  const { t } = useTranslation()
  const sentence = useSentence()
  const [begun, setBegun] = useState<Begun | null>(null)
  const [code, setCode] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  const started = useRef(false)
  const begin = () => {
    setFault(null)
    beginFactor().then(setBegun, (error: unknown) => setFault(sentence(error)))
  }
  useEffect(() => {
    if (at === 'button' || started.current) return
    started.current = true
    begin()
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setFault(null)
    confirmFactor(code).then(
      ({ codes, session }) => done(codes, session),
      (error: unknown) => {
        setCode('')
        setFault(sentence(error))
      },
    )
  }
  const alert = (
    <p className="fault" role="alert">
      {fault}
    </p>
  )
  if (begun === null) {
    return (
      <>
        {alert}
        {at === 'button' || fault !== null ? (
          <button type="button" className="button" onClick={begin}>
            {again ? t('security.enrolAgain') : t('security.enrol')}
          </button>
        ) : null}
      </>
    )
  }
  return (
    <form className="gate-form enrol" onSubmit={submit}>
      <p>{t('security.enrolLead')}</p>
      <img className="enrol-qr" src={begun.qr} alt={t('security.enrolLead')} />
      <Secret secret={begun.secret} />
      <CodeField value={code} change={setCode} />
      {alert}
      <button type="submit" className="button main">
        {t('security.confirm')}
      </button>
    </form>
  )
}

function Secret({ secret }: { secret: string }) {
  const { t } = useTranslation()
  const grouped = secret.match(/.{1,4}/g)?.join(' ') ?? secret
  return (
    <div className="enrol-secret">
      <span className="quiet">{t('security.secretLabel')}</span>
      <code>{grouped}</code>
      <Copy text={secret} />
    </div>
  )
}

export function Copy({ text }: { text: string }) {
  const { t } = useTranslation()
  const [copied, setCopied] = useState(false)
  const copy = () => navigator.clipboard.writeText(text).then(() => setCopied(true), () => setCopied(false))
  return (
    <button type="button" className="button" onClick={() => void copy()}>
      {copied ? t('security.copied') : t('security.copy')}
    </button>
  )
}

/** Shown once; the browser prints only them. */
export function Codes({ codes, kept }: { codes: readonly string[]; kept: () => void }) {
  const { t } = useTranslation()
  return (
    <div className="codes">
      <ul className="codes-list">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div className="ask-buttons">
        <button type="button" className="button" onClick={() => print()}>
          {t('security.print')}
        </button>
        <Copy text={codes.join('\n')} />
        <button type="button" className="button main" onClick={kept}>
          {t('security.codesKept')}
        </button>
      </div>
    </div>
  )
}
