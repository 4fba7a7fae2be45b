/** Who called and what was said, as far as this reader may see it, and why: masked until asked for. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { unmask } from '../client/api'
import type { Incident } from '../client/types'
import { useSentence } from '../ui/empty'
import { word } from '../ui/word'
import { Fact } from './fact'
import './said.css'

function useUnmask(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => unmask(id),
    onSuccess: async () => {
      await client.resetQueries({ queryKey: ['entries', id] })
      await client.invalidateQueries({ queryKey: ['incident', id] })
    },
  })
}

export function Said({ incident }: { incident: Incident }) {
  const { t } = useTranslation()
  const sentence = useSentence()
  const { caller, seen } = incident
  const show = useUnmask(incident.row.id)
  const callerWords = [caller.name, caller.phone].filter(Boolean).join(' ')
  const masked = seen.words === 'masked'
  return (
    <>
      <Fact name={t('matter.caller')}>
        <span className="number">{callerWords === '' ? t('matter.anonymous') : callerWords}</span>
        {seen.may_unmask ? (
          <button
            type="button"
            className="button unmask"
            title={t('matter.unmaskTitle')}
            disabled={show.isPending}
            onClick={() => show.mutate()}
          >
            {t('matter.unmask')}
          </button>
        ) : null}
        {show.error === null ? null : (
          <p className="fault" role="alert">
            {sentence(show.error)}
          </p>
        )}
      </Fact>
      {incident.narrative ? (
        <Fact name={t('matter.narrative')}>
          {incident.narrative}
          {masked ? <span className="quiet"> · {t('matter.wordsMasked')}</span> : null}
        </Fact>
      ) : null}
      {seen.words === 'withheld' ? (
        <Fact name={t('matter.narrative')}>
          <span className="quiet">{t('matter.wordsWithheld')}</span>
        </Fact>
      ) : null}
      <Fact name={t('matter.seen')}>
        <span className="quiet">
          {word('look', `why.${seen.why}`)} · {t('matter.recorded')}
        </span>
      </Fact>
    </>
  )
}
