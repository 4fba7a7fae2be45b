/** A unit's track during its order, kept as evidence: what was kept, and keeping another. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readIncident, readTrack } from '../client/api'
import type { Incident, Keeping, KeptTrack } from '../client/types'
import { useCity } from '../ui/city'
import { serverNow } from '../ui/clock'
import { LoadFailed, Loading, useSentence } from '../ui/empty'
import type { Act } from './keeping-form'

type Order = Incident['orders'][number]
const MINUTE_MS = 60_000
const LONGEST_MS = 12 * 60 * MINUTE_MS
/** A minute is sealed a little after it has ended. */
const SEALING_MS = 5_000

/** The time of an order that can be kept: from when it was given to its end, or to the last sealed minute. */
function spanOf(order: Order): { since: string; until: string } {
  const given = order.times['given'] ?? order.sign_by
  const ended = order.active ? undefined : order.times[order.state]
  const sealed = Math.floor((serverNow() - SEALING_MS) / MINUTE_MS) * MINUTE_MS
  const end = Math.min(ended === undefined ? sealed : Date.parse(ended), Date.parse(given) + LONGEST_MS)
  return { since: given, until: new Date(Math.max(end, Date.parse(given) + 1)).toISOString() }
}

export function Tracks({ keeping }: { keeping: Keeping }) {
  return keeping.retention.tracks.map((one) => <Kept key={one.number} keeping={keeping} track={one} />)
}

function Kept({ keeping, track }: { keeping: Keeping; track: Keeping['retention']['tracks'][number] }) {
  const { t } = useTranslation()
  const { fullTime, time } = useCity()
  const sentence = useSentence()
  const show = useMutation({ mutationFn: () => readTrack(keeping.matter, track.number) })
  const words = { unit: track.unit, since: fullTime(track.since), until: time(track.until), count: track.positions }
  return (
    <div className="kept-track">
      <p>
        <b>{t('retention.tracks')}</b> {t('retention.trackOf', words)} · {track.basis}{' '}
        <span className="quiet">
          {t('retention.placedBy', { who: keeping.names[track.by] ?? track.by, at: fullTime(track.at) })}
        </span>{' '}
        <button
          type="button"
          className="button"
          disabled={show.isPending}
          onClick={() => (show.data === undefined ? show.mutate() : show.reset())}
        >
          {show.data === undefined ? t('retention.seeTrack') : t('retention.hideTrack')}
        </button>
      </p>
      {show.error === null ? null : (
        <p className="fault" role="alert">
          {sentence(show.error)}
        </p>
      )}
      {show.data === undefined ? null : <Positions found={show.data} />}
    </div>
  )
}

function Positions({ found }: { found: KeptTrack }) {
  const { t } = useTranslation()
  const { time } = useCity()
  return (
    <>
      <b className={found.whole ? '' : 'late'}>{t(found.whole ? 'retention.trackWhole' : 'retention.trackBroken')}</b>
      <ol className="kept-positions" tabIndex={0} aria-label={t('retention.tracks')}>
        {found.positions.map((one) => (
          <li key={one.at} className="number">
            {time(one.at)} {one.lon.toFixed(6)} {one.lat.toFixed(6)}
            {one.speed_kmh === null ? '' : ` ${one.speed_kmh} km/h`}
          </li>
        ))}
      </ol>
    </>
  )
}

export function KeepTrack({ matter, act }: { matter: string; act: Act }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  return (
    <details className="kept-more" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('retention.keepTrack')}</summary>
      {open ? <OfOrder matter={matter} act={act} /> : null}
    </details>
  )
}

function OfOrder({ matter, act }: { matter: string; act: Act }) {
  const { t } = useTranslation()
  const { time } = useCity()
  const found = useQuery({ queryKey: ['incident', matter, 'orders'], queryFn: ({ signal }) => readIncident(matter, signal) })
  const [said, setSaid] = useState({ order: '', basis: '', reason: '' })
  if (found.isPending) return <Loading what={t('retention.loading')} />
  if (found.data === undefined) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  const order = found.data.orders.find((one) => one.order === said.order)
  const ready = order !== undefined && said.basis.trim() !== '' && said.reason.trim() !== '' && !act.isPending
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!ready) return
    const body = { order: order.order, basis: said.basis, reason: said.reason, ...spanOf(order) }
    act.mutate({ step: 'keep_track', body }, { onSuccess: () => setSaid({ order: '', basis: '', reason: '' }) })
  }
  const field = (name: 'basis' | 'reason', label: string, most: number) => (
    <input
      className="input small"
      aria-label={label}
      placeholder={label}
      maxLength={most}
      value={said[name]}
      onChange={(event) => setSaid({ ...said, [name]: event.target.value })}
    />
  )
  return (
    <form className="kept-reasoned" aria-label={t('retention.keepTrack')} onSubmit={submit}>
      <select
        className="input small"
        aria-label={t('retention.order')}
        value={said.order}
        onChange={(event) => setSaid({ ...said, order: event.target.value })}
      >
        <option value="">{t('retention.chooseOrder')}</option>
        {found.data.orders.map((one) => (
          <option key={one.order} value={one.order}>
            {one.call_sign} {time(one.times['given'] ?? one.sign_by)}
          </option>
        ))}
      </select>
      {field('reason', t('retention.reason'), 500)}
      {field('basis', t('retention.basis'), 200)}
      <button type="submit" className="button" disabled={!ready}>
        {t('retention.keepTrack')}
      </button>
      <p className="quiet">{t('retention.keepTrackHint')}</p>
    </form>
  )
}
