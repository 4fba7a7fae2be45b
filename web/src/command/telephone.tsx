/** The telephone at hand: what rings, who must be called back, how long callers waited. */
import { type FormEvent, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { calledBack, leaveDesk, sitDown } from '../client/api'
import type { Telephone, TelephoneCall } from '../client/types'
import { useSession } from '../identity/session'
import { useCity } from '../ui/city'
import { useNow } from '../ui/clock'
import { Key, useSentence } from '../ui/empty'
import { useKeys } from '../ui/keys'
import { useSay } from '../ui/notice'
import { span } from '../ui/time'
import './telephone.css'
import { useOpenOnAnswer, useTake, useTelephone } from './use-telephone'

const NONE: readonly TelephoneCall[] = []
const AIMS = [
  { seconds: 15, aim: 0.9 },
  { seconds: 20, aim: 0.95 },
] as const

/** `asked`: somebody wants to say an extension; without that and without calls there is nothing to show. */
export function TelephoneStrip({ asked, done }: { asked: boolean; done: () => void }) {
  const { t } = useTranslation()
  const { data, again } = useTelephone()
  const take = useTake()
  const calls = data?.calls ?? NONE
  useOpenOnAnswer(calls, data?.extension ?? null)
  const first = calls[0]
  useKeys(first === undefined ? {} : { F4: () => void take(first.id) })
  if (data === undefined) return null
  const { counts } = data.waiting
  const quiet = data.extension === null && data.call_back.length === 0 && counts.answered + counts.abandoned === 0
  if (quiet && !asked) return null
  return (
    <section className="telephone" aria-label={t('telephone.title')}>
      {data.extension === null ? (
        <SayExtension done={() => void again().then(done)} />
      ) : (
        <AtDesk extension={data.extension} left={() => void again().then(done)} />
      )}
      <div className="telephone-calls" role="status">
        {calls.map((call, at) => (
          <Ringing key={call.id} call={call} first={at === 0} take={() => void take(call.id)} />
        ))}
      </div>
      <CallBacks calls={data.call_back} mine={data.extension !== null} again={() => void again()} take={take} />
      <Figures waiting={data.waiting} />
    </section>
  )
}

const DESK_ROLES = new Set(['call_taker', 'dispatcher', 'duty_chief', 'station_room'])

/** Says which telephone is at hand. */
function SayExtension({ done }: { done: () => void }) {
  const { t } = useTranslation()
  const { grants } = useSession()
  const say = useSay()
  const sentence = useSentence()
  const [extension, setExtension] = useState('')
  const id = useId()
  const organisation = grants.find((grant) => DESK_ROLES.has(grant.role))?.organisation ?? ''
  const submit = (event: FormEvent) => {
    event.preventDefault()
    sitDown({ extension: extension.trim(), organisation })
      .then(done)
      .catch((error: unknown) => say({ text: sentence(error), tone: 'now' }))
  }
  return (
    <form className="telephone-desk" onSubmit={submit}>
      <label htmlFor={id}>{t('telephone.sit')}</label>
      <input
        id={id}
        className="input"
        autoComplete="off"
        maxLength={16}
        pattern="[0-9A-Za-z*#_\-]+"
        required
        value={extension}
        onChange={(event) => setExtension(event.target.value)}
      />
      <button type="submit" className="button">
        {t('telephone.sitDown')}
      </button>
    </form>
  )
}

function AtDesk({ extension, left }: { extension: string; left: () => void }) {
  const { t } = useTranslation()
  const say = useSay()
  const sentence = useSentence()
  const leave = () =>
    leaveDesk()
      .then(left)
      .catch((error: unknown) => say({ text: sentence(error), tone: 'now' }))
  return (
    <div className="telephone-desk">
      <span>
        {t('telephone.extension')} <b>{extension}</b>
      </span>
      <button type="button" className="button plain" onClick={() => void leave()}>
        {t('telephone.leave')}
      </button>
    </div>
  )
}

function Ringing({ call, first, take }: { call: TelephoneCall; first: boolean; take: () => void }) {
  const { t } = useTranslation()
  const now = useNow()
  const since = call.answered_at ?? call.ringing_at
  const ringing = call.state === 'ringing'
  return (
    <span className={ringing ? 'telephone-call ringing' : 'telephone-call'}>
      <b>{ringing ? t('telephone.ringing') : t('telephone.speaking')}</b>
      <span>{call.number || t('telephone.withheld')}</span>
      <time aria-hidden="true">{since === null ? '' : span(Math.max(0, now - Date.parse(since)))}</time>
      <button type="button" className="button" onClick={take}>
        {t('telephone.take')} {first ? <Key name="F4" /> : null}
      </button>
    </span>
  )
}

interface BackProps {
  calls: readonly TelephoneCall[]
  mine: boolean
  again: () => void
  take: (call: string) => Promise<void>
}

function CallBacks({ calls, mine, again, take }: BackProps) {
  const { t } = useTranslation()
  const now = useNow()
  const late = calls.filter((call) => call.due !== null && Date.parse(call.due) < now).length
  if (calls.length === 0) return <span className="quiet">{t('telephone.none')}</span>
  return (
    <details name="telephone" className="telephone-back">
      <summary>
        {t('telephone.back', { count: calls.length })}{' '}
        {late > 0 ? <b className="late">{t('telephone.late', { count: late })}</b> : null}
      </summary>
      <ul>
        {calls.map((call) => (
          <CallBack key={call.id} call={call} mine={mine} again={again} take={() => void take(call.id)} />
        ))}
      </ul>
    </details>
  )
}

interface CallBackProps {
  call: TelephoneCall
  mine: boolean
  again: () => void
  take: () => void
}

function CallBack({ call, mine, again, take }: CallBackProps) {
  const { t } = useTranslation()
  const { time } = useCity()
  const say = useSay()
  const sentence = useSentence()
  const [reason, setReason] = useState('')
  const end = (outcome: 'done' | 'unreachable') =>
    calledBack(call.id, { outcome, reason: reason.trim() })
      .then(again)
      .catch((error: unknown) => say({ text: sentence(error), tone: 'now' }))
  return (
    <li>
      <span>{call.number}</span>
      <span className="quiet">
        {call.due === null ? '' : t('telephone.due', { time: time(Date.parse(call.due)) })}
      </span>
      <button type="button" className="button" disabled={!mine} onClick={take}>
        {t('telephone.take')}
      </button>
      <button type="button" className="button" disabled={!mine} onClick={() => void end('done')}>
        {t('telephone.done')}
      </button>
      <input
        className="input"
        aria-label={t('telephone.reason')}
        placeholder={t('telephone.reason')}
        maxLength={200}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <button
        type="button"
        className="button"
        disabled={!mine || reason.trim() === ''}
        onClick={() => void end('unreachable')}
      >
        {t('telephone.unreachable')}
      </button>
    </li>
  )
}

const percent = (share: number) => `${Math.floor(share * 1000) / 10}%`

/** The figures against their aims; what they mean stands on them. */
function Figures({ waiting }: { waiting: Telephone['waiting'] }) {
  const { t, i18n } = useTranslation()
  const { counts } = waiting
  const text = i18n.language.startsWith('zh') ? waiting.text_zh : waiting.text_en
  const within = [counts.within_15, counts.within_20]
  return (
    <details name="telephone" className="telephone-figures">
      <summary>
        {counts.answered === 0 ? <span className="quiet">{t('telephone.noFigure')}</span> : null}
        {counts.answered === 0
          ? null
          : AIMS.map(({ seconds, aim }, at) => {
              const share = (within[at] ?? 0) / counts.answered
              return (
                <span key={seconds} className={share < aim ? 'late' : ''}>
                  {t('telephone.within', { seconds, share: percent(share) })}{' '}
                  <span className="quiet">{t('telephone.aim', { share: percent(aim) })}</span>
                </span>
              )
            })}
        <span>{t('telephone.abandoned', { count: counts.abandoned })}</span>
      </summary>
      <p className="quiet">
        {text} <code>{waiting.definition}</code>
      </p>
    </details>
  )
}
