/** The board: matters, map, units, and the one matter that is open. */
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { UnitsPanel } from '../action/units-panel'
import { useSession } from '../identity/session'
import { LineBanner } from '../journal/banner'
import { PictureProvider, usePicture } from '../journal/picture'
import { CityProvider, useCity } from '../ui/city'
import { Key, Loading } from '../ui/empty'
import { Help } from '../ui/help'
import { useKeys } from '../ui/keys'
import { NoticeLine, NoticeProvider } from '../ui/notice'
import { go, type Tab, usePlace } from '../ui/place'
import type { IncidentRow } from '../client/types'
import { BoardHead } from './board-head'
import { DeskProvider, useDesk } from './desk'
import { isUntouched } from './draft'
import { clearFilters, FilterBar } from './filter-bar'
import { IncidentList } from './incident-list'
import { Matter, PANEL } from './matter'
import { isOpenSieve, sift, subtree } from './sift'
import { TelephoneStrip } from './telephone'

const ChartPane = lazy(() => import('../map/chart'))
const loadIntake = () => import('./intake')
const Intake = lazy(loadIntake)

const REPORTERS = new Set(['call_taker', 'dispatcher', 'duty_chief', 'station_room'])

export default function Board() {
  return (
    <NoticeProvider>
      <CityProvider>
        <PictureProvider>
          <DeskProvider>
            <BoardPage />
          </DeskProvider>
        </PictureProvider>
      </CityProvider>
    </NoticeProvider>
  )
}

/** The rows that pass the filters, and how many there are without them. */
function useRows(): { rows: IncidentRow[]; all: number } {
  const { city, organisations } = useCity()
  const place = usePlace()
  const incidents = usePicture((picture) => picture.live.incidents)
  const names = useMemo(() => {
    const words = new Map<string, string>()
    for (const one of [...city.categories.map((c) => ({ ...c, id: c.code })), ...organisations]) {
      words.set(one.id, `${one.name_zh} ${one.name_en}`)
    }
    return (row: IncidentRow) =>
      [row.category, row.category_final ?? '', row.organisation].map((id) => words.get(id) ?? '').join(' ')
  }, [city.categories, organisations])
  const rows = useMemo(() => {
    const inside = place.organisation === '' ? null : subtree(organisations, place.organisation)
    return sift(incidents.values(), place, inside, names)
  }, [incidents, place, organisations, names])
  return { rows, all: incidents.size }
}

function useBoardKeys(rows: IncidentRow[], filter: () => void, help: boolean, setHelp: (on: boolean) => void) {
  const desk = useDesk()
  const place = usePlace()
  const mayReport = useMayReport()
  const move = (step: number) => {
    const at = rows.findIndex((row) => row.id === desk.cursor)
    const next = rows[at === -1 ? (step > 0 ? 0 : rows.length - 1) : at + step]
    if (next !== undefined) desk.point(next.id)
  }
  const back = () => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    if (help) setHelp(false)
    else if (desk.dispatching) desk.setDispatching(false)
    else if (desk.intake) desk.closeIntake()
    else if (desk.cursor !== null) desk.close()
    else if (desk.unit !== null) desk.chooseUnit(null)
    else if (!isOpenSieve(place)) clearFilters()
  }
  useKeys({
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => {
      if (desk.cursor === null) return
      desk.open(desk.cursor)
      // The next Tab is in what was opened, not somewhere among a hundred units before it.
      setTimeout(() => document.getElementById(PANEL)?.focus(), 0)
    },
    Escape: back,
    '/': filter,
    '?': () => setHelp(true),
    ...(mayReport ? { F2: desk.openIntake } : {}),
  })
}

function useMayReport(): boolean {
  const { grants } = useSession()
  return grants.some((grant) => REPORTERS.has(grant.role))
}

/** Fetched before it is asked for: a caller is already speaking when F2 is pressed. */
function useIntakeReady(mayReport: boolean): void {
  useEffect(() => {
    if (mayReport) void loadIntake()
  }, [mayReport])
}

/** A press on the map sets the place of the call being written down. */
function usePick(): (point: { lon: number; lat: number }) => void {
  const { setDraft } = useDesk()
  return useCallback(
    (point) => {
      setDraft((draft) => ({ ...draft, point }))
      // On a phone the form is behind another tab.
      go({ tab: 'matter' })
    },
    [setDraft],
  )
}

function BoardPage() {
  const { t } = useTranslation()
  const place = usePlace()
  const desk = useDesk()
  const { rows, all } = useRows()
  const [help, setHelp] = useState(false)
  const [asked, setAsked] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const mayReport = useMayReport()
  useIntakeReady(mayReport)
  const filter = useCallback(() => {
    go({ tab: 'list' })
    // At once, so that no letter is missed; again when it was hidden behind another tab until now.
    field.current?.focus()
    setTimeout(() => field.current?.focus(), 0)
  }, [])
  useBoardKeys(rows, filter, help, setHelp)
  const side = desk.intake || place.matter !== null
  const pick = usePick()
  return (
    <div className="board" data-tab={place.tab} data-side={side ? 'open' : 'closed'}>
      <BoardHead help={() => setHelp(true)} />
      <LineBanner />
      {mayReport ? <TelephoneStrip asked={asked} done={() => setAsked(false)} /> : null}
      <main className="panes">
        <div className="pane pane-list">
          <FilterBar field={field} shown={rows.length} all={all} />
          <IncidentList rows={rows} sieve={place} mayReport={mayReport} clear={clearFilters} />
        </div>
        <div className="pane pane-map">
          <Suspense fallback={<Loading what={t('load.map')} />}>
            <ChartPane
              rows={rows}
              cursor={desk.cursor}
              unit={desk.unit}
              draft={desk.intake ? desk.draft.point : null}
              pick={desk.intake ? pick : null}
              openMatter={desk.open}
              chooseUnit={desk.chooseUnit}
            />
          </Suspense>
        </div>
        <section className="pane pane-units" aria-label={t('units.title')}>
          <UnitsPanel chosen={desk.unit} choose={desk.chooseUnit} openMatter={desk.open} />
        </section>
        {/* On a wide screen this column closes; on a phone its tab says how to fill it. */}
        <div className="pane pane-side">
          <Side matter={place.matter} />
        </div>
      </main>
      <Tabs tab={place.tab} />
      <Foot mayReport={mayReport} report={desk.openIntake} sit={() => setAsked(true)} />
      {help ? <Help close={() => setHelp(false)} /> : null}
    </div>
  )
}

function Side({ matter }: { matter: string | null }) {
  const { t } = useTranslation()
  const { intake } = useDesk()
  if (intake) {
    return (
      <Suspense fallback={<Loading what={t('load.intake')} />}>
        <Intake />
      </Suspense>
    )
  }
  if (matter !== null) return <Matter key={matter} id={matter} />
  return <div className="blank">{t('matter.none')}</div>
}

const TABS: Tab[] = ['list', 'map', 'matter', 'units']

function Tabs({ tab }: { tab: Tab }) {
  const { t } = useTranslation()
  return (
    <nav className="tabs" aria-label={t('tab.title')}>
      {TABS.map((one) => (
        <button
          key={one}
          type="button"
          aria-current={one === tab ? 'page' : undefined}
          onClick={() => go({ tab: one })}
        >
          {t(`tab.${one}`)}
        </button>
      ))}
    </nav>
  )
}

interface FootProps {
  mayReport: boolean
  report: () => void
  sit: () => void
}

function Foot({ mayReport, report, sit }: FootProps) {
  const { t } = useTranslation()
  const { intake, draft } = useDesk()
  const begun = !intake && !isUntouched(draft)
  return (
    <footer className="foot">
      <NoticeLine />
      <span className="foot-keys">
        <Key name="↑↓" /> {t('help.move')} <Key name="Enter" /> {t('help.open')} <Key name="/" /> {t('help.filter')}{' '}
        <Key name="?" /> {t('help.help')}
      </span>
      {mayReport ? (
        <>
          <button type="button" className="button plain" onClick={sit}>
            {t('telephone.sit')}
          </button>
          <button type="button" className="button" onClick={report}>
            {t(begun ? 'intake.goOn' : 'intake.open')} <Key name="F2" />
          </button>
        </>
      ) : null}
    </footer>
  )
}
