/** Says that what is shown is no longer live: the line is lost, or the feed behind it stands still. */
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCity } from '../ui/city'
import { span } from '../ui/time'
import { usePicture, useRetry } from './picture'

/** Milliseconds since `moment` (browser clock), counted once a second; 0 when there is none. */
function useElapsed(moment: number | null): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (moment === null) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [moment])
  return moment === null ? 0 : Math.max(0, now - moment)
}

export function LineBanner() {
  const { t } = useTranslation()
  const { time } = useCity()
  const lostAt = usePicture((picture) => picture.lostAt)
  const heardAt = usePicture((picture) => picture.heardAt)
  const stalled = usePicture((picture) => picture.live.feed === 'stalled')
  const retry = useRetry()
  const elapsed = useElapsed(lostAt)
  if (lostAt !== null) {
    return (
      <div className="banner now" role="alert">
        <b>{t('line.lost')}</b>
        <time aria-hidden="true">{span(elapsed)}</time>
        <span>{heardAt === null ? t('line.never') : t('line.asOf', { time: time(heardAt) })}</span>
        <button type="button" className="button" onClick={retry}>
          {t('line.retry')}
        </button>
      </div>
    )
  }
  if (!stalled) return null
  return (
    <div className="banner soon" role="alert">
      <b>{t('line.stalled')}</b>
      <span>{t('line.stalledWhat')}</span>
    </div>
  )
}
