/** My sign-in: password, second factor, where I am signed in; for administrators the policies and resets. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { endOtherSessions, endSession, freshCodes, readFactor, readHandOvers, readSessions, removeFactor } from '../client/api'
import type { OwnSession } from '../client/types'
import { useCity } from '../ui/city'
import { LoadFailed, Loading, useSentence } from '../ui/empty'
import { useSay } from '../ui/notice'
import { Sheet } from '../ui/sheet'
import { dayTime } from '../ui/time'
import { AskReset } from './ask-reset'
import { Denials } from './denials'
import { Codes, Enrol } from './enrol'
import { PasswordForm } from './password-form'
import { Policies } from './policies'
import { ProviderBindings } from './providers'
import { Resets } from './resets'
import { useSession, useSessionDoor } from './session'
import { Trust } from './trust'
import './security.css'

export default function SecurityPage() {
  const { t } = useTranslation()
  const { enter } = useSessionDoor()
  const say = useSay()
  const { grants } = useSession()
  const held = new Set(grants.map((grant) => grant.role))
  const may = (...roles: string[]) => roles.some((role) => held.has(role))
  const top = useCity().organisations.find((one) => one.parent === null)?.id
  const mayAtTop = (...roles: string[]) =>
    grants.some((grant) => grant.organisation === top && roles.includes(grant.role))
  return (
    <Sheet title={t('security.title')}>
      <div className="security">
        <Factor />
        <Part title={t('security.passwordChange')}>
          <PasswordForm
            done={(session) => {
              enter(session)
              say({ text: t('security.passwordChanged'), tone: 'fine' })
            }}
          />
        </Part>
        <ProviderBindings />
        <OwnSessions />
        <HandOvers />
        <Trust always={may('administrator', 'duty_chief')} />
        {may('administrator', 'duty_chief') ? <Resets /> : null}
        {may('administrator') ? <AskReset /> : null}
        {may('administrator', 'auditor') ? <Policies /> : null}
        {mayAtTop('administrator', 'auditor') ? <Denials /> : null}
      </div>
    </Sheet>
  )
}

export function Part({ title, wide = false, children }: { title: string; wide?: boolean; children: ReactNode }) {
  return (
    <section aria-label={title} className={wide ? 'wide' : ''}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** Runs what may be refused, says how it went, and asks for the lists anew. */
export function useDoing() {
  const say = useSay()
  const sentence = useSentence()
  const client = useQueryClient()
  return async <T,>(doing: () => Promise<T>, said: (found: T) => string): Promise<T | null> => {
    try {
      const found = await doing()
      const words = said(found)
      if (words !== '') say({ text: words, tone: 'fine' })
      await client.invalidateQueries()
      return found
    } catch (error) {
      say({ text: sentence(error), tone: 'now' })
      return null
    }
  }
}

function Factor() {
  const { t } = useTranslation()
  const { enter } = useSessionDoor()
  const { city } = useCity()
  const found = useQuery({ queryKey: ['factor'], queryFn: readFactor })
  const [codes, setCodes] = useState<readonly string[] | null>(null)
  const doing = useDoing()
  if (found.isPending) return <Loading what={t('page.loading')} />
  if (found.isError) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  const { since, codes_left: left } = found.data
  const fresh = () =>
    doing(freshCodes, () => '').then((made) => {
      if (made !== null) setCodes(made.codes)
    })
  const off = () =>
    doing(removeFactor, () => t('security.removed')).then((session) => {
      if (session !== null) enter(session)
    })
  if (codes !== null) {
    return (
      <Part title={t('security.codes')}>
        <p>{t('security.codesLead')}</p>
        <Codes codes={codes} kept={() => setCodes(null)} />
      </Part>
    )
  }
  return (
    <Part title={t('security.factor')}>
      <p>
        {since === null
          ? t('security.factorOff')
          : t('security.factorOn', { since: dayTime(Date.parse(since), city.timezone), left })}
      </p>
      <div className="security-tools">
        <Enrol
          at="button"
          again={since !== null}
          done={(made, session) => {
            setCodes(made)
            enter(session)
          }}
        />
        {since === null ? null : (
          <>
            <button type="button" className="button" onClick={() => void fresh()}>
              {t('security.freshCodes')}
            </button>
            <button type="button" className="button" onClick={() => void off()}>
              {t('security.remove')}
            </button>
          </>
        )}
      </div>
    </Part>
  )
}

function OwnSessions() {
  const { t } = useTranslation()
  const doing = useDoing()
  const found = useQuery({ queryKey: ['own-sessions'], queryFn: readSessions })
  if (found.isPending) return <Loading what={t('page.loading')} />
  if (found.isError) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  const { items } = found.data
  const said = ({ ended }: { ended: number }) => t('security.ended', { count: ended })
  return (
    <Part title={t('security.sessions')}>
      <ul className="security-rows">
        {items.map((one) => (
          <SessionRow key={one.id} one={one} end={() => void doing(() => endSession(one.id), said)} />
        ))}
      </ul>
      {items.length < 2 ? (
        <p className="quiet hint">{t('security.onlyHere')}</p>
      ) : (
        <div className="security-tools">
          <button type="button" className="button" onClick={() => void doing(endOtherSessions, said)}>
            {t('security.endOthers')}
          </button>
        </div>
      )}
    </Part>
  )
}

function SessionRow({ one, end }: { one: OwnSession; end: () => void }) {
  const { t } = useTranslation()
  const { city } = useCity()
  const at = (moment: string) => dayTime(Date.parse(moment), city.timezone)
  return (
    <li>
      <b>{one.agent === '' ? t('security.unknownAgent') : one.agent}</b>
      <span className="number">{one.address}</span>
      <span className="quiet">
        {t('security.signedInAt')} <time>{at(one.created_at)}</time>
      </span>
      <span className="quiet">
        {t('security.lastSeen')} <time>{at(one.last_seen)}</time>
      </span>
      {one.here ? (
        <span>{t('security.here')}</span>
      ) : (
        <button type="button" className="button" onClick={end}>
          {t('security.end')}
        </button>
      )}
    </li>
  )
}

function HandOvers() {
  const { t } = useTranslation()
  const { city } = useCity()
  const me = useSession().person.id
  const found = useQuery({ queryKey: ['hand-overs'], queryFn: readHandOvers })
  if (found.isPending) return <Loading what={t('page.loading')} />
  if (found.isError) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  return (
    <Part title={t('security.handOvers')}>
      {found.data.items.length === 0 ? <p className="quiet">{t('security.noHandOvers')}</p> : null}
      <ul className="security-rows">
        {found.data.items.map((one) => (
          <li key={one.id}>
            <time>{dayTime(Date.parse(one.at), city.timezone)}</time>
            <span>
              {one.to_id === me
                ? t('security.tookFrom', { name: one.from_name })
                : t('security.gaveTo', { name: one.to_name })}
            </span>
            <span className="quiet">{one.desk}</span>
            <span className="quiet">{t('security.openMatters', { count: one.open_matters })}</span>
            {one.note === '' ? null : <span>{one.note}</span>}
          </li>
        ))}
      </ul>
    </Part>
  )
}
