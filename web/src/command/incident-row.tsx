/** One matter in the list: its level, what, where, whose, how it stands, how long it has waited. */
import { memo } from 'react'
import { useTranslation } from 'react-i18next'
import type { IncidentRow } from '../client/types'
import { useCity } from '../ui/city'
import { useNow } from '../ui/clock'
import { span } from '../ui/time'
import { word } from '../ui/word'
import { needOf, waiting } from './due'
import { LevelFlag } from './level-flag'

interface RowProps {
  row: IncidentRow
  chosen: boolean
  /** It changed just now: the row fades once from a tint. */
  changed: boolean
  open: (id: string) => void
}

export const IncidentLine = memo(function IncidentLine({ row, chosen, changed, open }: RowProps) {
  const { category, categoryLine, organisation, fullTime } = useCity()
  const now = useNow()
  const need = needOf(row, now)
  const kind = row.category_final || row.category
  return (
    <li
      id={`matter-${row.id}`}
      role="option"
      aria-selected={chosen}
      className={`line need-${need}`}
      onClick={() => open(row.id)}
      title={`${row.number} · ${categoryLine(kind)} · ${fullTime(row.reported_at)}`}
    >
      {changed ? <i className="tint" key={row.version} /> : null}
      <LevelFlag level={row.level} />
      <span className="line-what">{category(kind)}</span>
      <span className="line-where">{row.place?.label ?? row.number}</span>
      <span className="line-whose">{organisation(row.organisation)}</span>
      <span className="line-marks">
        <Marks row={row} />
      </span>
      <span className="line-state">{word('state', row.state)}</span>
      <time className="line-since">{span(now - Date.parse(row.reported_at))}</time>
      <WaitingBar row={row} now={now} />
    </li>
  )
})

/** Fills under the row while a clock runs; over time, the row's edge turns red (by class `need-now`). */
function WaitingBar({ row, now }: { row: IncidentRow; now: number }) {
  const { clock } = useCity()
  const running = waiting(row, now)
  if (running === null) return null
  return (
    <span className="bar" role="img" aria-label={`${clock(running.name)} ${Math.round(running.share * 100)}%`}>
      <i style={{ transform: `scaleX(${running.share})` }} />
    </span>
  )
}

function Marks({ row }: { row: IncidentRow }) {
  const { t } = useTranslation()
  const { clock } = useCity()
  const missed = [...new Set(row.missed.map(clock))].join('、')
  return (
    <>
      {row.missed.length > 0 ? (
        <svg className="mark" viewBox="0 0 16 16" role="img" aria-label={t('matter.missed', { clocks: missed })}>
          <title>{t('matter.missed', { clocks: missed })}</title>
          <circle cx="8" cy="8" r="6" />
          <path d="M8 4.5V8.4L10.6 10" />
        </svg>
      ) : null}
      {row.escalated ? (
        <svg className="mark" viewBox="0 0 16 16" role="img" aria-label={t('matter.escalated')}>
          <title>{t('matter.escalated')}</title>
          <path d="M3.5 8.5L8 4L12.5 8.5M3.5 13L8 8.500L12.5 13" />
        </svg>
      ) : null}
      {row.merged_into ? (
        <svg className="mark grey" viewBox="0 0 16 16" role="img" aria-label={t('matter.merged')}>
          <path d="M6.5 9.500L9.5 6.500M5 7L3.5 8.500a2.8 2.8 0 0 0 4 4L9 11M11 9L12.5 7.500a2.8 2.8 0 0 0-4-4L7 5" />
        </svg>
      ) : null}
    </>
  )
}
