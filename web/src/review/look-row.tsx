/** One look as a line of the log. */
import { useTranslation } from 'react-i18next'
import type { Look } from '../client/types'
import { useCity } from '../ui/city'
import { go } from '../ui/place'
import { word } from '../ui/word'

/** A denial has a sign of its own, so that it is not told by colour alone. */
const SIGNS: Record<string, string> = { shown: '●', masked: '◐', empty: '○', denied: '✕' }

export function LookRow({ row }: { row: Look }) {
  const { fullTime, organisation } = useCity()
  const place = row.organisation === '' ? '' : organisation(row.organisation)
  return (
    <tr>
      <td className="look-number number">{row.number}</td>
      <td className="look-at">
        <time>{fullTime(row.at)}</time>
      </td>
      <td className="look-who">
        {row.actor.name || row.actor.id} <span className="quiet">{row.actor.name === '' ? '' : row.actor.id}</span>
        <div className="quiet">{[word('role', row.role), place].filter(Boolean).join(' · ')}</div>
      </td>
      <td className="look-what">
        {word('look', `what.${row.what}`)} {row.matter === null ? null : <MatterLink id={row.matter} />}
        {row.subject === '' ? null : <div className="quiet">{row.subject}</div>}
      </td>
      <td className="look-outcome">
        <Outcome outcome={row.outcome} />
      </td>
      <td className="look-why">
        <Why row={row} />
      </td>
    </tr>
  )
}

export function Outcome({ outcome }: { outcome: string }) {
  return (
    <span className={outcome === 'denied' ? 'late' : ''}>
      <span aria-hidden="true">{SIGNS[outcome] ?? ''}</span> {word('look', `outcome.${outcome}`)}
    </span>
  )
}

export function Why({ row }: { row: Look }) {
  const marks = row.marks.map((mark) => word('look', `mark.${mark}`))
  return (
    <>
      <span className={row.justification === 'no_task' && row.outcome !== 'denied' ? 'unexplained' : ''}>
        {row.outcome === 'denied' ? '' : word('look', `why.${row.justification}`)}
      </span>
      {marks.length > 0 ? <span className="late"> · {marks.join('、')}</span> : null}
      {row.basis === '' ? null : <div className="quiet">{row.basis}</div>}
      {row.purpose === '' ? null : <div>“{row.purpose}”</div>}
    </>
  )
}

export function MatterLink({ id }: { id: string }) {
  const { t } = useTranslation()
  return (
    <button
      type="button"
      className="button plain number"
      title={t('access.openMatter')}
      onClick={() => go({ page: null, matter: id, tab: 'matter' }, true)}
    >
      {id.slice(0, 8)}
    </button>
  )
}
