/** What may be done about one matter's keeping, with reason: keep it longer, erase by two, hold, seal or restrict it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { keep, type KeepingBody, type KeepingWord, readKeeping } from '../client/api'
import type { Keeping } from '../client/types'
import { useCity } from '../ui/city'
import { Key, LoadFailed, Loading, useSentence } from '../ui/empty'
import { CommandKeys, newIdentifier } from '../ui/identifier'
import { useKeys } from '../ui/keys'
import { useSay } from '../ui/notice'
import { word } from '../ui/word'
import { midnight } from './days'
import { CorrectCaller, Corrections } from './correct-form'
import { MatterLink } from './look-row'
import { KeepTrack, Tracks } from './track-form'

type OfMatter = 'caller' | 'narrative' | 'place' | 'recordings'
const OF_MATTERS: readonly string[] = ['caller', 'narrative', 'place', 'recordings']
const isOfMatter = (code: string): code is OfMatter => OF_MATTERS.includes(code)

/** One command after another, each said and then shown afresh. */
export function useKeep(matter: string) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const say = useSay()
  const keys = useMemo(() => new CommandKeys(), [])
  return useMutation({
    mutationFn: ({ step, body }: { step: KeepingWord; body: KeepingBody }) =>
      keep(matter, step, body, keys.keyFor(matter, step, body)),
    onSuccess: async () => {
      keys.done()
      say({ text: t('retention.done'), tone: 'fine' })
      await client.invalidateQueries({ queryKey: ['keeping'] })
    },
  })
}

/** `of`: the class it is about; null: the matter as a whole. */
export function KeepingForm({ matter, of }: { matter: string; of: string | null }) {
  const { t } = useTranslation()
  const found = useQuery({
    queryKey: ['keeping', 'matter', matter],
    queryFn: ({ signal }) => readKeeping(matter, signal),
    gcTime: 0,
  })
  if (found.isPending) return <Loading what={t('retention.loading')} />
  if (found.data === undefined) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  return <Decide keeping={found.data} of={of} />
}

function Decide({ keeping, of }: { keeping: Keeping; of: string | null }) {
  const { t } = useTranslation()
  const { fullTime } = useCity()
  const sentence = useSentence()
  const act = useKeep(keeping.matter)
  const { proposal, holds } = keeping.retention
  const may = (name: KeepingWord) => keeping.may.includes(`retention.${name}`)
  const nameOf = (person: string) => keeping.names[person] ?? person
  const any = ['keep_longer', 'propose_erasure', 'approve_erasure', 'place_hold', 'seal', 'restrict'] as const
  return (
    <div className="kept-form">
      {of === null ? null : <MatterLink id={keeping.matter} />}
      {keeping.retention.sealed ? <b>{t('retention.matterSealed')}</b> : null}
      {keeping.retention.restricted ? <b>{t('retention.matterRestricted')}</b> : null}
      {holds.map((hold) => (
        <p key={hold.hold}>
          <b>{t('retention.hold')}</b> {hold.basis}{' '}
          <span className="quiet">
            {t('retention.placedBy', { who: nameOf(hold.placed_by), at: fullTime(hold.placed_at) })}
          </span>
          {hold.because === null ? null : ` ${hold.because}`}
        </p>
      ))}
      {proposal === null ? null : (
        <div className="kept-proposal">
          <p>
            <b>{t('retention.proposedBy', { who: nameOf(proposal.by) })}</b> <time>{fullTime(proposal.at)}</time>{' '}
            {proposal.classes.map((code) => word('kept', `of.${code}`)).join('、')} · {proposal.basis}
            {proposal.because === null ? null : ` · ${proposal.because}`}
          </p>
          {may('approve_erasure') ? <Answer act={act} number={proposal.number} /> : null}
        </div>
      )}
      <Corrections keeping={keeping} />
      <Tracks keeping={keeping} />
      {any.some(may) ? (
        <Reasoned keeping={keeping} of={of} act={act} />
      ) : (
        <p className="quiet">{t('retention.nothingToDo')}</p>
      )}
      {may('correct_caller') ? <CorrectCaller act={act} /> : null}
      {may('keep_track') ? <KeepTrack matter={keeping.matter} act={act} /> : null}
      {act.error === null ? null : (
        <p className="fault" role="alert">
          {sentence(act.error)}
        </p>
      )}
    </div>
  )
}

export type Act = ReturnType<typeof useKeep>

/** The second person's answer to a proposal. */
function Answer({ act, number }: { act: Act; number: number }) {
  const { t } = useTranslation()
  const [reason, setReason] = useState('')
  // The key only goes to the button: what cannot be brought back takes two.
  const agree = useRef<HTMLButtonElement>(null)
  useKeys({ a: () => agree.current?.focus() })
  return (
    <div className="kept-answer">
      <button
        ref={agree}
        type="button"
        className="button main"
        disabled={act.isPending}
        onClick={() => act.mutate({ step: 'approve_erasure', body: { proposal: number } })}
      >
        {t('retention.approve')} <Key name="A" />
      </button>
      <span className="quiet">{t('retention.approveHint')}</span>
      <input
        className="input small"
        aria-label={t('retention.reason')}
        placeholder={t('retention.reason')}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <button
        type="button"
        className="button"
        disabled={act.isPending || reason.trim() === ''}
        onClick={() => act.mutate({ step: 'decline_erasure', body: { reason } })}
      >
        {t('retention.decline')}
      </button>
    </div>
  )
}

function Reasoned({ keeping, of, act }: { keeping: Keeping; of: string | null; act: Act }) {
  const { t } = useTranslation()
  const { city } = useCity()
  const [reason, setReason] = useState('')
  const [basis, setBasis] = useState('')
  const [until, setUntil] = useState('')
  const [whole, setWhole] = useState(of === null)
  const left = keeping.retention.clocks.map((clock) => clock.of).filter(isOfMatter)
  const classes = whole ? left : left.filter((code) => code === of)
  const field = (label: string, value: string, set: (value: string) => void, most: number) => (
    <input
      className="input small"
      aria-label={label}
      placeholder={label}
      maxLength={most}
      value={value}
      onChange={(event) => set(event.target.value)}
    />
  )
  return (
    <div className="kept-reasoned">
      {field(t('retention.reason'), reason, setReason, 500)}
      {field(t('retention.basis'), basis, setBasis, 200)}
      <select
        className="input small"
        aria-label={t('retention.scope')}
        value={whole ? 'whole' : 'class'}
        onChange={(event) => setWhole(event.target.value === 'whole')}
      >
        {of === null ? null : (
          <option value="class">{t('retention.thisClass', { name: word('kept', `of.${of}`) })}</option>
        )}
        <option value="whole">{t('retention.wholeMatter')}</option>
      </select>
      <label className="look-day">
        <span className="quiet">{t('retention.until')}</span>
        <input type="date" className="input small" value={until} onChange={(event) => setUntil(event.target.value)} />
      </label>
      <Steps keeping={keeping} act={act} said={{ reason, basis, classes, until: until && midnight(until, city.timezone, 1) }} />
    </div>
  )
}

interface StepsProps {
  keeping: Keeping
  act: Act
  /** What was typed; `until` is a moment, or empty. */
  said: { reason: string; basis: string; classes: OfMatter[]; until: string }
}

function Steps({ keeping, act, said }: StepsProps) {
  const { t } = useTranslation()
  const { reason, basis, classes, until } = said
  const may = (name: KeepingWord) => keeping.may.includes(`retention.${name}`)
  const free = keeping.retention.holds.length === 0 && keeping.retention.proposal === null
  const ready = reason.trim() !== '' && !act.isPending
  const founded = ready && basis.trim() !== ''
  const steps: { step: KeepingWord; words: string; ready: boolean; body: () => KeepingBody }[] = [
    {
      step: 'keep_longer',
      words: t('retention.keep'),
      ready: ready && until !== '',
      body: () => ({ classes, until, reason }),
    },
    {
      step: 'place_hold',
      words: t('retention.hold'),
      ready: founded,
      body: () => ({ hold: newIdentifier(), basis, reason }),
    },
  ]
  if (free) {
    const body = () => ({ classes, basis, reason })
    steps.splice(1, 0, { step: 'propose_erasure', words: t('retention.propose'), ready: founded, body })
  }
  if (!keeping.retention.sealed && keeping.retention.ended_at !== null) {
    steps.push({ step: 'seal', words: t('retention.seal'), ready: founded, body: () => ({ basis, reason }) })
  }
  if (keeping.retention.restricted) {
    steps.push({ step: 'lift_restriction', words: t('retention.liftRestriction'), ready, body: () => ({ reason }) })
  } else {
    steps.push({ step: 'restrict', words: t('retention.restrict'), ready: founded, body: () => ({ basis, reason }) })
  }
  return (
    <div className="kept-buttons">
      {steps
        .filter((one) => may(one.step))
        .map((one) => (
          <button
            key={one.step}
            type="button"
            className="button"
            disabled={!one.ready}
            onClick={() => act.mutate({ step: one.step, body: one.body() })}
          >
            {one.words}
          </button>
        ))}
    </div>
  )
}
