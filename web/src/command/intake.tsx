/** A call is written down: where, what, who, in the order callers speak; then the rest, folded. */
import { ConfigProvider, Select, theme as antdTheme } from 'antd'
import { type FormEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { joinCall, report } from '../client/api'
import { Refusal } from '../client/request'
import type { Report } from '../client/types'
import { useCity } from '../ui/city'
import { serverNow } from '../ui/clock'
import { Key, useSentence } from '../ui/empty'
import { CommandKeys, newIdentifier } from '../ui/identifier'
import { useSay } from '../ui/notice'
import { goOnAtTab } from '../ui/tab'
import { useMedia, useTheme } from '../ui/theme'
import { useDesk } from './desk'
import { BLANK_DRAFT, choices, type Draft, isUntouched, levelOf, missingIn, reportOf } from './draft'
import { IntakePlace } from './intake-place'
import { LevelFlag } from './level-flag'

/** Where the cursor goes when that part is missing. */
const FIELDS = { point: 'intake-where', category: 'intake-what' } as const

/** The draft with its identifier and time: both are made when the form is opened, not when it is sent. */
function useDraft() {
  const { city } = useCity()
  const { draft, setDraft } = useDesk()
  const channel = city.channels[0]?.code ?? ''
  useEffect(() => {
    if (draft.id !== '') return
    setDraft((now) => ({ ...now, id: newIdentifier(), begun: serverNow(), channel: now.channel || channel }))
  }, [draft.id, channel, setDraft])
  const change = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }))
  return { draft, change }
}

/** Sends the report; on success the new matter is opened and the form is blank again. */
function useReport(draft: Draft, level: number) {
  const { t } = useTranslation()
  const desk = useDesk()
  const say = useSay()
  const sentence = useSentence()
  const [keys] = useState(() => new CommandKeys())
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const [asked, setAsked] = useState(false)
  const last = useRef<{ key: string; body: Report } | null>(null)
  /** The matter stands, whatever comes of this; a number that stays behind goes with its class of retention. */
  const joined = (call: string, matter: string) =>
    joinCall(call, matter).catch((error: unknown) => say({ text: sentence(error), tone: 'now' }))
  const send = async (complete: boolean) => {
    setAsked(true)
    if (busy || missingIn(draft).length > 0) return
    setBusy(true)
    setFault(null)
    // A second attempt must be the same report to the last second, else the server would refuse its key.
    const key = keys.keyFor(draft, level, complete)
    if (last.current?.key !== key) last.current = { key, body: reportOf(draft, level, serverNow(), complete) }
    try {
      const answer = await report(last.current.body, key)
      say({ text: t('intake.done', { number: answer.number ?? '' }), tone: 'fine' })
      if (draft.telephone !== '') await joined(draft.telephone, draft.id)
      desk.setDraft(() => BLANK_DRAFT)
      desk.open(draft.id)
    } catch (error) {
      if (error instanceof Refusal && error.code === 'matter.unusable') {
        desk.setDraft((now) => ({ ...now, id: newIdentifier() }))
      }
      setFault(`${sentence(error)} ${t('intake.kept')}`)
      setBusy(false)
    }
  }
  return { busy, fault, asked, send }
}

export default function Intake() {
  const { t } = useTranslation()
  const desk = useDesk()
  const { city } = useCity()
  const { draft, change } = useDraft()
  const level = levelOf(draft, city.categories)
  const { busy, fault, asked, send } = useReport(draft, level)
  const missing = asked ? missingIn(draft) : []
  const attempt = (complete: boolean) => {
    const [first] = missingIn(draft)
    if (first !== undefined) document.getElementById(FIELDS[first])?.focus()
    void send(complete)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    attempt(true)
  }
  return (
    <FormTheme>
      <section className="matter" aria-label={t('intake.title')}>
        <header className="matter-head">
          <div className="matter-title">
            <h2>{t('intake.title')}</h2>
            <button type="button" className="button plain" onClick={desk.closeIntake}>
              {t('intake.fold')} <Key name="Esc" />
            </button>
          </div>
          {desk.leftBy === null ? null : <p className="late">{t('security.leftDraft', { name: desk.leftBy })}</p>}
        </header>
        <form
          className="matter-body intake"
          onSubmit={submit}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event)
            goOnAtTab(event)
          }}
        >
          <IntakePlace id={FIELDS.point} draft={draft} change={change} missing={missing.includes('point')} />
          <WhatFields draft={draft} level={level} change={change} missing={missing.includes('category')} />
          <WhoFields draft={draft} change={change} />
          {fault === null ? null : (
            <p className="fault" role="alert">
              {fault}
            </p>
          )}
          <div className="actions">
            <button type="submit" className="button main" disabled={busy}>
              {t('intake.send')} <Key name="Ctrl Enter" />
            </button>
            <button type="button" className="button" disabled={busy} onClick={() => attempt(false)}>
              {t('intake.sendOpen')}
            </button>
            <Clear draft={draft} />
          </div>
        </form>
      </section>
    </FormTheme>
  )
}

/** Empties the form, and brings back what was in it: a press too many must not cost a caller's words. */
function Clear({ draft }: { draft: Draft }) {
  const { t } = useTranslation()
  const { setDraft } = useDesk()
  const [cleared, setCleared] = useState<Draft | null>(null)
  const untouched = isUntouched(draft)
  const clear = () => {
    setCleared(draft)
    setDraft(() => BLANK_DRAFT)
  }
  if (untouched && cleared !== null) {
    return (
      <button type="button" className="button plain" onClick={() => setDraft(() => cleared)}>
        {t('intake.bringBack')}
      </button>
    )
  }
  return (
    <button type="button" className="button plain" disabled={untouched} onClick={clear}>
      {t('intake.clear')}
    </button>
  )
}

/** Ant Design's controls in our colours, without motion. */
function FormTheme({ children }: { children: ReactNode }) {
  const { palette, shade } = useTheme()
  const phone = useMedia('(width <= 720px)')
  const theme = useMemo(
    () => ({
      algorithm: shade === 'dark' ? antdTheme.darkAlgorithm : antdTheme.defaultAlgorithm,
      token: {
        colorPrimary: palette.accent,
        colorText: palette.text,
        colorTextPlaceholder: palette.quiet,
        colorBgContainer: palette.raised,
        colorBgElevated: palette.raised,
        colorBorder: palette.quiet,
        colorError: palette.now,
        borderRadius: 4,
        fontSize: 14,
        controlHeight: phone ? 48 : 32,
        motion: false,
        fontFamily: 'inherit',
        boxShadowSecondary: 'none',
      },
    }),
    [palette, shade, phone],
  )
  return <ConfigProvider theme={theme}>{children}</ConfigProvider>
}

interface FieldsProps {
  draft: Draft
  change: (part: Partial<Draft>) => void
}

function WhatFields({ draft, level, change, missing }: FieldsProps & { level: number; missing: boolean }) {
  const { t } = useTranslation()
  const { city, categoryLine } = useCity()
  const id = useId()
  const options = useMemo(() => choices(city.categories, categoryLine), [city.categories, categoryLine])
  const finds = useMemo(() => new Map(options.map((one) => [one.value, one.find])), [options])
  return (
    <>
      <label htmlFor={FIELDS.category}>{t('intake.what')}</label>
      <Select
        id={FIELDS.category}
        showSearch={{
          filterOption: (typed, option) => (finds.get(option?.value ?? '') ?? '').includes(typed.trim().toLowerCase()),
        }}
        options={options.map(({ value, label }) => ({ value, label }))}
        value={draft.category === '' ? null : draft.category}
        placeholder={t('intake.whatHint')}
        status={missing ? 'error' : ''}
        onChange={(category) => change({ category, level: 0 })}
      />
      {missing ? <p className="fault">{t('intake.needCategory')}</p> : null}
      <fieldset className="intake-levels">
        <legend>{t('intake.level')}</legend>
        <div className="switch levels">
          {city.levels.map((one) => (
            <button
              key={one.code}
              type="button"
              aria-pressed={one.code === level}
              onClick={() => change({ level: one.code })}
            >
              <LevelFlag level={one.code} />
            </button>
          ))}
        </div>
        <span className="quiet">{draft.level === 0 ? t('intake.levelByCategory') : ''}</span>
      </fieldset>
      <label htmlFor={`${id}text`}>{t('intake.narrative')}</label>
      <textarea
        id={`${id}text`}
        className="input"
        rows={4}
        maxLength={4000}
        value={draft.narrative}
        onChange={(event) => change({ narrative: event.target.value })}
      />
    </>
  )
}

function WhoFields({ draft, change }: FieldsProps) {
  const { t, i18n } = useTranslation()
  const { city, channel, time } = useCity()
  const id = useId()
  return (
    <>
      <div className="intake-pair">
        <div>
          <label htmlFor={`${id}name`}>{t('intake.caller')}</label>
          <input
            id={`${id}name`}
            className="input"
            autoComplete="off"
            maxLength={100}
            placeholder={t('matter.anonymous')}
            value={draft.caller}
            onChange={(event) => change({ caller: event.target.value })}
          />
        </div>
        <div>
          <label htmlFor={`${id}phone`}>{t('intake.phone')}</label>
          <input
            id={`${id}phone`}
            className="input"
            type="tel"
            autoComplete="off"
            maxLength={32}
            value={draft.phone}
            onChange={(event) => change({ phone: event.target.value })}
          />
        </div>
      </div>
      <details className="intake-rest">
        <summary>
          {t('intake.rest')} <span className="quiet">{`${channel(draft.channel)} · ${time(draft.begun)}`}</span>
        </summary>
        <label htmlFor={`${id}channel`}>{t('intake.channel')}</label>
        <select
          id={`${id}channel`}
          className="input"
          value={draft.channel}
          onChange={(event) => change({ channel: event.target.value })}
        >
          {city.channels.map((one) => (
            <option key={one.code} value={one.code}>
              {i18n.language.startsWith('zh') ? one.name_zh : one.name_en}
            </option>
          ))}
        </select>
      </details>
    </>
  )
}
