/** Four sets of numbers for the head of the page: open by level, units by group, today. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { readSummary } from '../client/api'
import type { Summary } from '../client/types'
import { usePicture } from '../journal/picture'
import { useCity } from '../ui/city'
import { word } from '../ui/word'
import { LevelFlag } from './level-flag'

const REFRESH_MS = 15_000
const AFTER_CHANGE_MS = 1_500
const GROUPS = ['emergency', 'available', 'dispatched', 'under_way', 'on_scene'] as const

/** The counts, asked for again soon after the feed told of a change, and now and then anyway. */
function useSummary(): Summary | undefined {
  const client = useQueryClient()
  const cursor = usePicture((picture) => picture.live.cursor)
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null)
  useEffect(() => {
    timer.current ??= setTimeout(() => {
      timer.current = null
      if (cursor !== null) void client.invalidateQueries({ queryKey: ['summary'] })
    }, AFTER_CHANGE_MS)
  }, [client, cursor])
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current)
      timer.current = null
    },
    [],
  )
  return useQuery({ queryKey: ['summary'], queryFn: readSummary, refetchInterval: REFRESH_MS }).data
}

export function SummaryNumbers() {
  const { t } = useTranslation()
  const { city } = useCity()
  const summary = useSummary()
  if (summary === undefined) return <div className="summary" />
  const waiting = (summary.open.by_state['waiting'] ?? 0) + (summary.open.by_state['received'] ?? 0)
  return (
    <div className="summary" role="group" aria-label={t('summary.title')}>
      <dl>
        {city.levels.map((level) => (
          <div key={level.code}>
            <dt>
              <LevelFlag level={level.code} />
            </dt>
            <dd>{summary.open.by_level[String(level.code)] ?? 0}</dd>
          </div>
        ))}
        <div className={waiting > 0 ? 'summary-waiting wanting' : 'summary-waiting'}>
          <dt>{word('state', 'waiting')}</dt>
          <dd>{waiting}</dd>
        </div>
      </dl>
      <dl className="summary-units">
        {GROUPS.filter((group) => group !== 'emergency' || (summary.units.by_group[group] ?? 0) > 0).map((group) => (
          <div key={group} className={group === 'emergency' ? 'wanting' : ''}>
            <dt>{word('group', group)}</dt>
            <dd>{summary.units.by_group[group] ?? 0}</dd>
          </div>
        ))}
      </dl>
      <dl className="summary-today">
        <div>
          <dt>{t('summary.reported')}</dt>
          <dd>{summary.today.reported}</dd>
        </div>
        <div>
          <dt>{t('summary.closed')}</dt>
          <dd>{summary.today.closed}</dd>
        </div>
      </dl>
    </div>
  )
}
