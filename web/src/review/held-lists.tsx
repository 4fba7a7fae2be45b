/** Matters on hold, and sealed ones: each ends by somebody else's hand than began it. */
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readHolds, readSealings } from '../client/api'
import { useSession } from '../identity/session'
import { useCity } from '../ui/city'
import { Empty, LoadFailed, Loading, useSentence } from '../ui/empty'
import { useKeep } from './keeping-form'
import { MatterLink } from './look-row'

interface Rows<T> {
  items: T[]
  names: Record<string, string>
}

interface ListedProps<T> {
  name: string
  read: (signal: AbortSignal) => Promise<Rows<T>>
  none: string
  line: (row: T, nameOf: (person: string) => string) => ReactNode
}

function Listed<T>({ name, read, none, line }: ListedProps<T>) {
  const { t } = useTranslation()
  const found = useQuery({ queryKey: ['keeping', name], queryFn: ({ signal }) => read(signal) })
  if (found.isPending) return <Loading what={t('retention.loading')} />
  if (found.data === undefined) return <LoadFailed error={found.error} again={() => void found.refetch()} />
  if (found.data.items.length === 0) return <Empty title={none} />
  const names = found.data.names
  return <ul className="kept-rows">{found.data.items.map((row) => line(row, (person) => names[person] ?? person))}</ul>
}

export function HoldList() {
  const { t } = useTranslation()
  const { organisation, fullTime } = useCity()
  return (
    <Listed
      name="holds"
      read={readHolds}
      none={t('retention.noHolds')}
      line={(row, nameOf) => (
        <li key={row.hold} className="kept-held">
          <span className="number">{row.number}</span>
          <MatterLink id={row.matter} />
          <span>{row.basis}</span>
          <span className="quiet">
            {t('retention.placedBy', { who: nameOf(row.placed_by), at: fullTime(row.placed_at) })} ·{' '}
            {organisation(row.organisation)} · {row.until === null ? t('retention.noEnd') : fullTime(row.until)}
          </span>
          <Lift matter={row.matter} hold={row.hold} by={row.placed_by} />
        </li>
      )}
    />
  )
}

function Lift({ matter, hold, by }: { matter: string; hold: string; by: string }) {
  const { t } = useTranslation()
  const session = useSession()
  const sentence = useSentence()
  const act = useKeep(matter)
  const [reason, setReason] = useState('')
  if (session.person.id === by) return null
  return (
    <span className="kept-answer">
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
        onClick={() => act.mutate({ step: 'lift_hold', body: { hold, reason } })}
      >
        {t('retention.lift')}
      </button>
      {act.error === null ? null : <span className="fault">{sentence(act.error)}</span>}
    </span>
  )
}

export function SealingList() {
  const { t } = useTranslation()
  const { organisation, fullTime } = useCity()
  return (
    <Listed
      name="sealings"
      read={readSealings}
      none={t('retention.noSealings')}
      line={(row, nameOf) => (
        <li key={row.matter} className="kept-held">
          <span className="number">{row.number}</span>
          <span>{row.basis}</span>
          <span className="quiet">
            {t('retention.placedBy', { who: nameOf(row.sealed_by), at: fullTime(row.since) })} ·{' '}
            {organisation(row.organisation)}
            {row.open_until === null ? '' : ` · ${t('retention.openUntil', { at: fullTime(row.open_until) })}`}
            {row.asked_by === null ? '' : ` · ${t('retention.asked', { who: nameOf(row.asked_by) })}`}
          </span>
          <Unseal matter={row.matter} askedBy={row.asked_by} />
        </li>
      )}
    />
  )
}

function Unseal({ matter, askedBy }: { matter: string; askedBy: string | null }) {
  const { t } = useTranslation()
  const session = useSession()
  const sentence = useSentence()
  const act = useKeep(matter)
  const [open, setOpen] = useState(false)
  const [said, setSaid] = useState({ basis: '', reason: '', hours: '' })
  const ask = () => {
    const hours = said.hours === '' ? null : Number(said.hours)
    act.mutate({ step: 'ask_unsealing', body: { basis: said.basis, reason: said.reason, hours } })
  }
  const field = (name: keyof typeof said, label: string) => (
    <input
      className="input small"
      aria-label={label}
      placeholder={label}
      type={name === 'hours' ? 'number' : 'text'}
      value={said[name]}
      onChange={(event) => setSaid({ ...said, [name]: event.target.value })}
    />
  )
  return (
    <span className="kept-answer">
      {askedBy !== null && askedBy !== session.person.id ? (
        <button
          type="button"
          className="button main"
          disabled={act.isPending}
          onClick={() => act.mutate({ step: 'approve_unsealing', body: {} })}
        >
          {t('retention.approveUnsealing')}
        </button>
      ) : null}
      {open ? (
        <>
          {field('basis', t('retention.basis'))}
          {field('reason', t('retention.reason'))}
          {field('hours', t('retention.hours'))}
        </>
      ) : null}
      <button
        type="button"
        className="button"
        disabled={act.isPending || (open && (said.basis.trim() === '' || said.reason.trim() === ''))}
        onClick={() => (open ? ask() : setOpen(true))}
      >
        {t('retention.askUnsealing')}
      </button>
      {act.error === null ? null : <span className="fault">{sentence(act.error)}</span>}
    </span>
  )
}
