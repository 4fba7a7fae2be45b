/** The matter as a logbook: time, who, what. Nothing is edited; corrections stand beside what they correct. */
import { memo, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useCity } from '../ui/city'
import { Empty, LoadFailed, Loading } from '../ui/empty'
import { word } from '../ui/word'
import { useEntries } from './entries'
import { type Line, type Lookup, narrate, type Particular } from './narrate'

function useLookup(): Lookup {
  const { categoryLine, level, organisation, channel, clock, time } = useCity()
  return useMemo(
    () => ({ category: categoryLine, level, organisation, channel, clock, time, word }),
    [categoryLine, level, organisation, channel, clock, time],
  )
}

export function Logbook({ id, version }: { id: string; version: number }) {
  const { t } = useTranslation()
  const look = useLookup()
  const entries = useEntries(id, version)
  const lines = useMemo(() => narrate(entries.data ?? [], look), [entries.data, look])
  return (
    <section className="block" aria-label={t('logbook.title')}>
      <h3>
        {t('logbook.title')} <span className="quiet">{lines.length > 0 ? lines.length : ''}</span>
      </h3>
      {entries.isPending ? <Loading what={t('load.entries')} /> : null}
      {entries.error !== null && entries.data === undefined ? (
        <LoadFailed error={entries.error} again={() => void entries.refetch()} />
      ) : null}
      {entries.data?.length === 0 ? <Empty title={t('logbook.empty')} /> : null}
      <ol className="logbook">
        {lines.map((line) => (
          <LogLine key={line.entry.number} line={line} />
        ))}
      </ol>
    </section>
  )
}

const LogLine = memo(function LogLine({ line }: { line: Line }) {
  const { time, fullTime, organisation } = useCity()
  const { entry, weight, particulars } = line
  const actor = entry.actor.name || word('role', entry.role || 'system')
  const place = entry.organisation === '' ? '' : organisation(entry.organisation)
  const authority = [word('role', entry.role), place].filter(Boolean).join(' · ')
  return (
    <li className={`log log-${weight}`}>
      <time title={fullTime(entry.recorded_at)}>{time(entry.happened_at)}</time>
      <span className="log-who" title={authority}>
        {actor}
      </span>
      <div className="log-what">
        <span className="log-kind">{word('kind', entry.kind)}</span>
        {particulars.map((particular) => (
          <ParticularText key={`${particular.field ?? ''}${particular.text}`} particular={particular} />
        ))}
      </div>
    </li>
  )
})

function ParticularText({ particular }: { particular: Particular }) {
  const { t } = useTranslation()
  const { replaced } = particular
  if (replaced === undefined) return <span className="log-part">{particular.text}</span>
  return (
    <span className="log-part">
      <del>{particular.text}</del>
      <ins title={t('logbook.corrected', { number: replaced.number })}>{replaced.text}</ins>
    </span>
  )
}
