/** The rows drawn for review: those nobody has reviewed come first. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readSample, reviewLook } from '../client/api'
import type { Sampled } from '../client/types'
import { useCity } from '../ui/city'
import { Empty, LoadFailed, Loading, useSentence } from '../ui/empty'
import { useSay } from '../ui/notice'
import { word } from '../ui/word'
import { REVIEWS, type ReviewOutcome } from './codes'
import { MatterLink, Outcome, Why } from './look-row'

export function SampleList() {
  const { t } = useTranslation()
  const sample = useQuery({ queryKey: ['sample'], queryFn: ({ signal }) => readSample(signal), gcTime: 0 })
  const items = [...(sample.data ?? [])].sort((a, b) => Number(a.review !== null) - Number(b.review !== null))
  return (
    <>
      <p className="quiet">{t('access.sampleLead')}</p>
      {sample.isPending ? <Loading what={t('access.loading')} /> : null}
      {sample.error !== null && sample.data === undefined ? (
        <LoadFailed error={sample.error} again={() => void sample.refetch()} />
      ) : null}
      {sample.data?.length === 0 ? (
        <Empty title={t('access.noSample')}>
          <p className="quiet">{t('access.noSampleHint')}</p>
        </Empty>
      ) : null}
      <ul className="samples">
        {items.map((one) => (
          <SampledLine key={one.row.number} one={one} />
        ))}
      </ul>
    </>
  )
}

const nameOf = (person: Sampled['assigned']) => person?.name || person?.id || ''

function SampledLine({ one }: { one: Sampled }) {
  const { t } = useTranslation()
  const { fullTime, organisation } = useCity()
  const { row, review } = one
  const place = row.organisation === '' ? '' : organisation(row.organisation)
  return (
    <li className="sampled">
      <div className="sampled-head">
        <span className="number quiet">{row.number}</span>
        <time>{fullTime(row.at)}</time>
        <span>
          {row.actor.name || row.actor.id}{' '}
          <span className="quiet">{[word('role', row.role), place].filter(Boolean).join(' · ')}</span>
        </span>
        <span>
          {word('look', `what.${row.what}`)} {row.matter === null ? null : <MatterLink id={row.matter} />}
        </span>
        <Outcome outcome={row.outcome} />
        <span>
          <Why row={row} />
        </span>
      </div>
      {review === null ? (
        <>
          <p className="quiet">
            {one.assigned === null ? t('access.nobody') : t('access.assigned', { who: nameOf(one.assigned) })}
          </p>
          <ReviewForm number={row.number} />
        </>
      ) : (
        <p>
          {t('access.reviewed', { who: nameOf(one.reviewer), outcome: word('look', `review.${review.outcome}`) })}
          {review.note === '' ? null : <span className="quiet"> · {review.note}</span>}
        </p>
      )}
    </li>
  )
}

function ReviewForm({ number }: { number: number }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const say = useSay()
  const sentence = useSentence()
  const [note, setNote] = useState('')
  const review = useMutation({
    mutationFn: (outcome: ReviewOutcome) => reviewLook({ row: number, outcome, note }),
    onSuccess: async () => {
      say({ text: t('access.saved', { number }), tone: 'fine' })
      await client.invalidateQueries({ queryKey: ['sample'] })
    },
  })
  return (
    <div className="review">
      <input
        className="input small"
        aria-label={t('access.note')}
        placeholder={t('access.note')}
        maxLength={500}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
      {REVIEWS.map((outcome) => (
        <button
          key={outcome}
          type="button"
          className="button"
          disabled={review.isPending}
          onClick={() => review.mutate(outcome)}
        >
          {word('look', `review.${outcome}`)}
        </button>
      ))}
      {review.error === null ? null : (
        <p className="fault" role="alert">
          {sentence(review.error)}
        </p>
      )}
    </div>
  )
}
