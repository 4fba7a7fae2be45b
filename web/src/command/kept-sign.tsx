/** Small signs on a matter whose words are held, sealed, restricted or gone. */
import { useTranslation } from 'react-i18next'
import type { Incident } from '../client/types'
import { useCity } from '../ui/city'
import { word } from '../ui/word'
import { Fact } from './fact'

export function KeptSign({ incident }: { incident: Incident }) {
  const { t } = useTranslation()
  const { fullTime } = useCity()
  const kept = incident.retention
  const erased = Object.keys(kept.erased).filter((code) => code !== 'decision')
  const signs: string[] = []
  if (kept.holds.length > 0) signs.push(t('retention.matterHeld'))
  if (kept.open_until !== null) signs.push(t('retention.matterOpened', { at: fullTime(kept.open_until) }))
  else if (kept.sealed) signs.push(t('retention.matterSealed'))
  if (kept.restricted) signs.push(t('retention.matterRestricted'))
  const corrected = kept.corrections.at(-1)
  if (corrected !== undefined) signs.push(t('retention.matterCorrected', { at: fullTime(corrected.at) }))
  if (erased.length > 0) {
    signs.push(t('retention.matterErased', { names: erased.map((code) => word('kept', `of.${code}`)).join('、') }))
  }
  if (signs.length === 0) return null
  return (
    <Fact name={t('retention.keeping')}>
      <b className="kept-sign">{signs.join(' · ')}</b>
    </Fact>
  )
}
