/** What is wrong about a caller is put right, with basis and reason; what was corrected before. */
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { KeepingBody } from '../client/api'
import type { Keeping } from '../client/types'
import { useCity } from '../ui/city'
import type { Act } from './keeping-form'

export function Corrections({ keeping }: { keeping: Keeping }) {
  const { t } = useTranslation()
  const { fullTime } = useCity()
  return keeping.retention.corrections.map((one) => (
    <p key={one.number}>
      <b>{t('retention.corrected')}</b> {one.fields.map((field) => t(field === 'caller_name' ? 'retention.fieldName' : 'retention.fieldPhone')).join('、')} ·{' '}
      {one.basis}{' '}
      <span className="quiet">
        {t('retention.placedBy', { who: keeping.names[one.by] ?? one.by, at: fullTime(one.at) })}
      </span>
    </p>
  ))
}

export function CorrectCaller({ act }: { act: Act }) {
  const { t } = useTranslation()
  const blank = { name: '', phone: '', basis: '', reason: '' }
  const [said, setSaid] = useState(blank)
  const [open, setOpen] = useState(false)
  const founded = said.basis.trim() !== '' && said.reason.trim() !== ''
  const ready = founded && (said.name.trim() !== '' || said.phone.trim() !== '') && !act.isPending
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!ready) return
    const body: KeepingBody = {
      basis: said.basis,
      reason: said.reason,
      ...(said.name.trim() === '' ? {} : { caller_name: said.name.trim() }),
      ...(said.phone.trim() === '' ? {} : { caller_phone: said.phone.trim() }),
    }
    act.mutate({ step: 'correct_caller', body }, { onSuccess: () => setSaid(blank) })
  }
  const field = (name: keyof typeof blank, label: string, most: number, type = 'text') => (
    <input
      className="input small"
      type={type}
      autoComplete="off"
      aria-label={label}
      placeholder={label}
      maxLength={most}
      value={said[name]}
      onChange={(event) => setSaid({ ...said, [name]: event.target.value })}
    />
  )
  return (
    <details className="kept-more" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('retention.correct')}</summary>
      {open ? (
        <form className="kept-reasoned" aria-label={t('retention.correct')} onSubmit={submit}>
          {field('name', t('retention.correctName'), 100)}
          {field('phone', t('retention.correctPhone'), 32, 'tel')}
          <span className="quiet">{t('retention.correctUnchanged')}</span>
          {field('reason', t('retention.reason'), 500)}
          {field('basis', t('retention.basis'), 200)}
          <button type="submit" className="button" disabled={!ready}>
            {t('retention.correct')}
          </button>
          <p className="quiet">{t('retention.correctHint')}</p>
        </form>
      ) : null}
    </details>
  )
}
