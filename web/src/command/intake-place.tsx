/** Where: a name from the city's places, or a press on the map; the label says it as the caller does. */
import { useQuery } from '@tanstack/react-query'
import { AutoComplete } from 'antd'
import { useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { findPlaces } from '../client/api'
import type { Place } from '../client/types'
import { named } from '../ui/language'
import { useSentence } from '../ui/empty'
import { type Draft, pointOf, pointWords } from './draft'

const TYPING_MS = 180

/** What has been typed, once the fingers rest. */
function useRested(text: string): string {
  const [rested, setRested] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), TYPING_MS)
    return () => clearTimeout(timer)
  }, [text])
  return rested
}

function usePlaces(text: string) {
  const rested = useRested(text.trim())
  return useQuery({
    queryKey: ['places', rested],
    queryFn: ({ signal }) => findPlaces(rested, signal),
    enabled: rested !== '',
    staleTime: 600_000,
    placeholderData: (before) => before,
  })
}

interface PlaceProps {
  id: string
  draft: Draft
  change: (part: Partial<Draft>) => void
  missing: boolean
}

export function IntakePlace({ id, draft, change, missing }: PlaceProps) {
  const { t, i18n } = useTranslation()
  const sentence = useSentence()
  const { data, error } = usePlaces(draft.label)
  const options = useMemo(
    () =>
      (data ?? []).map((place) => ({
        value: place.id,
        label: (
          <span className="place-option">
            {named(place, i18n.language)} <span className="quiet">{place.name_en}</span>
          </span>
        ),
        place,
      })),
    [data, i18n.language],
  )
  const take = (place: Place) =>
    change({ label: named(place, i18n.language), point: { lon: place.lon, lat: place.lat } })
  return (
    <>
      <label htmlFor={id}>{t('intake.where')}</label>
      <AutoComplete
        id={id}
        autoFocus
        defaultActiveFirstOption
        options={options}
        value={draft.label}
        placeholder={t('intake.whereHint')}
        status={missing ? 'error' : ''}
        maxLength={200}
        onChange={(label: string) => {
          // Choosing an option also reports its value: that is an identifier, not words.
          if (options.some((option) => option.value === label)) return
          const point = pointOf(label)
          change(point === null ? { label } : { label, point })
        }}
        onSelect={(_value: string, option) => take(option.place)}
      />
      <p className={missing ? 'fault' : 'quiet'} role={missing ? 'alert' : undefined}>
        {draft.point === null ? t('intake.needPoint') : pointWords(draft.point)}
        {error === null ? '' : ` ${sentence(error)}`}
      </p>
    </>
  )
}
