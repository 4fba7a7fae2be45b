/** One matter: what it is, what may be done now, who is on it, and its logbook. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { readIncident } from '../client/api'
import type { Incident, IncidentRow } from '../client/types'
import { Logbook } from '../journal/logbook'
import { usePicture } from '../journal/picture'
import { KeepingFold } from '../review/keeping-fold'
import { useCity } from '../ui/city'
import { useNow } from '../ui/clock'
import { Key, LoadFailed, Loading } from '../ui/empty'
import { span } from '../ui/time'
import { word } from '../ui/word'
import { Actions } from './actions'
import { Dispatch } from './dispatch'
import { useDesk } from './desk'
import { waiting } from './due'
import { Fact } from './fact'
import { KeptSign } from './kept-sign'
import { LevelFlag } from './level-flag'
import { OrderList } from './order-list'
import { Said } from './said'

/** The open matter's panel: where the keyboard goes when one is opened. */
export const PANEL = 'matter-panel'

function useIncident(id: string) {
  const version = usePicture((picture) => picture.live.incidents.get(id)?.version ?? 0)
  const query = useQuery({
    queryKey: ['incident', id, version],
    queryFn: ({ signal }) => readIncident(id, signal),
    placeholderData: (before, last) => (last?.queryKey[1] === id ? before : undefined),
  })
  return { query, version }
}

export function Matter({ id }: { id: string }) {
  const { t } = useTranslation()
  const desk = useDesk()
  const { query, version } = useIncident(id)
  const live = usePicture((picture) => picture.live.incidents.get(id))
  const head = useRef<HTMLElement>(null)
  const row = live ?? query.data?.row

  useEffect(() => {
    head.current?.scrollIntoView({ block: 'nearest' })
  }, [id])

  if (query.error !== null && query.data === undefined) {
    return (
      <section className="matter" aria-label={t('matter.title')}>
        <LoadFailed error={query.error} again={() => void query.refetch()}>
          <button type="button" className="button" onClick={desk.close}>
            {t('action.close')} <Key name="Esc" />
          </button>
        </LoadFailed>
      </section>
    )
  }
  if (row === undefined) return <Loading what={t('load.matter')} />
  return (
    <section className="matter" id={PANEL} tabIndex={-1} aria-label={t('matter.title')}>
      <MatterHead row={row} close={desk.close} head={head} />
      <div className="matter-body">
        <Facts row={row} incident={query.data} />
        {query.data === undefined ? null : (
          <Actions id={id} state={row.state} may={query.data.may} dispatching={desk.dispatching} />
        )}
        {desk.dispatching ? <Dispatch id={id} version={row.version} /> : null}
        <OrderList row={row} incident={query.data} chooseUnit={desk.chooseUnit} />
        <KeepingFold key={id} id={id} />
        <Logbook id={id} version={Math.max(version, query.data?.row.version ?? 0)} />
      </div>
    </section>
  )
}

interface HeadProps {
  row: IncidentRow
  close: () => void
  head: React.RefObject<HTMLElement | null>
}

function MatterHead({ row, close, head }: HeadProps) {
  const { t } = useTranslation()
  const { categoryLine } = useCity()
  const now = useNow()
  return (
    <header className="matter-head" ref={head}>
      <div className="matter-title">
        <LevelFlag level={row.level} />
        <h2>{categoryLine(row.category_final || row.category)}</h2>
        <button type="button" className="button plain" onClick={close}>
          {t('action.close')} <Key name="Esc" />
        </button>
      </div>
      <div className="matter-under">
        <span className="number">{row.number}</span>
        <b>{word('state', row.state)}</b>
        <time>{span(now - Date.parse(row.state_since))}</time>
        <DueWords row={row} now={now} />
      </div>
    </header>
  )
}

function DueWords({ row, now }: { row: IncidentRow; now: number }) {
  const { t } = useTranslation()
  const { clock, time } = useCity()
  const running = waiting(row, now)
  if (running === null || row.due === null) return null
  const late = running.left <= 0
  const words = late
    ? t('matter.late', { clock: clock(running.name), by: span(-running.left) })
    : t('matter.due', { clock: clock(running.name), at: time(row.due.at), left: span(running.left) })
  return <span className={late ? 'due late' : 'due'}>{words}</span>
}

function Facts({ row, incident }: { row: IncidentRow; incident: Incident | undefined }) {
  const { t } = useTranslation()
  const { organisation, channel, clock, time } = useCity()
  const desk = useDesk()
  const others = (incident?.parties ?? []).filter((id) => id !== row.organisation && id !== row.jurisdiction)
  return (
    <dl className="facts">
      <Fact name={t('matter.place')}>{row.place?.label ?? t('matter.hidden')}</Fact>
      {incident === undefined ? null : <Said incident={incident} />}
      {incident === undefined ? null : <KeptSign incident={incident} />}
      <Fact name={t('matter.whose')}>
        {organisation(row.organisation)}
        {row.jurisdiction && row.jurisdiction !== row.organisation ? (
          <span className="quiet"> · {t('matter.jurisdiction', { name: organisation(row.jurisdiction) })}</span>
        ) : null}
        {others.length > 0 ? (
          <span className="quiet"> · {t('matter.with', { names: others.map(organisation).join('、') })}</span>
        ) : null}
      </Fact>
      <Fact name={t('matter.came')}>
        {channel(row.channel)} <span className="number">{time(row.reported_at)}</span>
      </Fact>
      {row.missed.length > 0 ? (
        <Fact name={t('matter.missedName')}>
          <span className="late">{[...new Set(row.missed.map(clock))].join('、')}</span>
          {row.escalated ? <span className="late"> · {t('matter.escalated')}</span> : null}
        </Fact>
      ) : null}
      {row.merged_into ? (
        <Fact name={t('matter.merged')}>
          <button type="button" className="button plain" onClick={() => desk.open(row.merged_into ?? '')}>
            {t('matter.toMain')}
          </button>
        </Fact>
      ) : null}
    </dl>
  )
}
