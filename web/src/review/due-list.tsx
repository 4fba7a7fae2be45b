/** Classes of matters with their clocks, the soonest first; one of them opened for review. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readDue, type Sought } from '../client/api'
import type { DuePage, DueRow } from '../client/types'
import { useCity } from '../ui/city'
import { serverNow } from '../ui/clock'
import { Empty, LoadFailed, Loading } from '../ui/empty'
import { useKeys } from '../ui/keys'
import { word } from '../ui/word'
import { KeepingForm } from './keeping-form'

const CLASSES = ['caller', 'narrative', 'place', 'recordings'] as const
const SPANS = [30, 90, 365] as const
const DAY = 86_400_000
/** Months shown before the list is no longer read at a glance. */
const MONTHS = 12

interface DueListProps {
  sought: Sought
  setSought: (sought: Sought) => void
  none: { title: string; hint: string }
}

const keyOf = (row: DueRow) => `${row.matter} ${row.of}`

export function DueList({ sought, setSought, none }: DueListProps) {
  const { t } = useTranslation()
  const [chosen, setChosen] = useState<string | null>(null)
  const [opened, setOpened] = useState(false)
  const page = useQuery({
    queryKey: ['keeping', 'due', sought],
    queryFn: ({ signal }) => readDue(sought, signal),
    placeholderData: keepPreviousData,
  })
  const rows = page.data?.items ?? []
  const at = rows.findIndex((row) => keyOf(row) === chosen)
  const step = (by: number) => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))]
    if (next !== undefined) setChosen(keyOf(next))
    setOpened(false)
  }
  useKeys({ ArrowDown: () => step(1), ArrowUp: () => step(-1), Enter: () => setOpened(at >= 0) })
  const toggle = (row: DueRow) => {
    setOpened(!(opened && keyOf(row) === chosen))
    setChosen(keyOf(row))
  }
  return (
    <>
      <Filters sought={sought} setSought={setSought} page={page.data} />
      {page.isPending ? <Loading what={t('retention.loading')} /> : null}
      {page.error !== null && page.data === undefined ? (
        <LoadFailed error={page.error} again={() => void page.refetch()} />
      ) : null}
      {page.data?.items.length === 0 ? (
        <Empty title={none.title}>
          <p className="quiet">{none.hint}</p>
        </Empty>
      ) : null}
      {rows.length > 0 ? <p className="quiet keys">{t('retention.keys')}</p> : null}
      <ul className="kept-rows">
        {rows.map((row) => (
          <li key={keyOf(row)}>
            <DueLine
              row={row}
              names={page.data?.names ?? {}}
              chosen={keyOf(row) === chosen}
              open={() => toggle(row)}
            />
            {opened && keyOf(row) === chosen ? <KeepingForm matter={row.matter} of={row.of} /> : null}
          </li>
        ))}
      </ul>
      {page.data?.next ? (
        <button type="button" className="button" onClick={() => setSought({ ...sought, after: page.data.next })}>
          {t('retention.more')}
        </button>
      ) : null}
    </>
  )
}

function Filters({ sought, setSought, page }: Omit<DueListProps, 'none'> & { page: DuePage | undefined }) {
  const { t } = useTranslation()
  const [days, setDays] = useState('')
  const within = (chosen: string) => {
    setDays(chosen)
    const until = chosen === '' ? '' : new Date(serverNow() + Number(chosen) * DAY).toISOString()
    setSought({ ...sought, until, after: null })
  }
  return (
    <>
      <div className="kept-filter">
        <select
          className="input small"
          aria-label={t('retention.of')}
          value={sought.of}
          onChange={(event) => setSought({ ...sought, of: event.target.value, after: null })}
        >
          <option value="">{t('retention.anyClass')}</option>
          {CLASSES.map((code) => (
            <option key={code} value={code}>
              {word('kept', `of.${code}`)}
            </option>
          ))}
        </select>
        <select
          className="input small"
          aria-label={t('retention.dueAt')}
          value={days}
          onChange={(event) => within(event.target.value)}
        >
          <option value="">{t('retention.anyWhen')}</option>
          {SPANS.map((span) => (
            <option key={span} value={span}>
              {t('retention.within', { days: span })}
            </option>
          ))}
        </select>
        {page === undefined ? null : (
          <span className="quiet">{t('retention.total', { count: page.counts.total })}</span>
        )}
        {Object.entries(page?.counts.by_class ?? {}).map(([code, count]) => (
          <span key={code}>
            {word('kept', `of.${code}`)} <b className="number">{count}</b>
          </span>
        ))}
      </div>
      <Months counts={page?.counts.by_month ?? {}} />
    </>
  )
}

/** How much is due in which month, at a glance. */
function Months({ counts }: { counts: Record<string, number> }) {
  const months = Object.entries(counts).filter(([month]) => month !== '')
  const most = Math.max(1, ...months.map(([, count]) => count))
  if (months.length < 2) return null
  return (
    <ol className="kept-months">
      {months.slice(0, MONTHS).map(([month, count]) => (
        <li key={month}>
          <span className="number">{count}</span>
          <i style={{ height: `${Math.max(2, Math.round((count / most) * 40))}px` }} />
          <span className="quiet number">{month}</span>
        </li>
      ))}
    </ol>
  )
}

interface DueLineProps {
  row: DueRow
  names: Record<string, string>
  chosen: boolean
  open: () => void
}

function DueLine({ row, names, chosen, open }: DueLineProps) {
  const { t } = useTranslation()
  const { organisation, category, level, fullTime } = useCity()
  const who = row.proposed_by === null ? '' : (names[row.proposed_by] ?? row.proposed_by)
  return (
    <button type="button" className="kept-row" aria-expanded={chosen} onClick={open}>
      <span className="number">{row.number}</span>
      <b>{word('kept', `of.${row.of}`)}</b>
      <span className={`kept-status ${row.status}`}>{word('kept', `status.${row.status}`)}</span>
      <span className="number">{row.due_at === null ? t('retention.permanent') : fullTime(row.due_at).slice(0, 10)}</span>
      <span className="quiet">
        {[level(row.level), category(row.category), organisation(row.organisation)].join(' · ')}
        {row.sealed ? ` · ${t('retention.sealedSign')}` : ''}
        {who === '' ? '' : ` · ${t('retention.proposedBy', { who })}`}
      </span>
    </button>
  )
}
