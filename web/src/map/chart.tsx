/** The chart: hands scenes to the updater, which alone touches the map. */
import { useQuery } from '@tanstack/react-query'
import 'maplibre-gl/dist/maplibre-gl.css'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { readBoundaries, readCoast } from '../client/api'
import type { IncidentRow } from '../client/types'
import { usePicture } from '../journal/picture'
import { useCity } from '../ui/city'
import { useMedia, useTheme } from '../ui/theme'
import type { Point } from './glide'
import { ChartUpdater, type Scene } from './updater'

interface ChartProps {
  rows: readonly IncidentRow[]
  cursor: string | null
  unit: string | null
  draft: Point | null
  /** When set, a press on the map gives this point instead of opening what lies there. */
  pick: ((point: Point) => void) | null
  openMatter: (id: string) => void
  chooseUnit: (id: string | null) => void
}

function useScene({ rows, cursor, unit, draft }: ChartProps): Scene {
  const { i18n } = useTranslation()
  const { city, organisations } = useCity()
  const { palette, shade } = useTheme()
  const still = useMedia('(prefers-reduced-motion: reduce)')
  const units = usePicture((picture) => picture.live.units)
  const fixes = usePicture((picture) => picture.live.fixes)
  const coast = useQuery({ queryKey: ['coast'], queryFn: readCoast, staleTime: Infinity }).data
  const boundaries = useQuery({ queryKey: ['boundaries'], queryFn: readBoundaries, staleTime: Infinity }).data
  const { language } = i18n
  return useMemo(
    () => ({
      palette,
      shade,
      language,
      coast,
      boundaries,
      organisations,
      levels: city.levels,
      statuses: city.statuses,
      incidents: rows,
      units,
      fixes,
      cursor,
      unit,
      draft,
      still,
    }),
    [palette, shade, language, coast, boundaries, organisations, city, rows, units, fixes, cursor, unit, draft, still],
  )
}

/** One map for as long as the component lives. Null while there is none; `failed` when there cannot be one. */
function useUpdater(props: ChartProps, scene: Scene) {
  const { city } = useCity()
  const box = useRef<HTMLDivElement>(null)
  const [updater, setUpdater] = useState<ChartUpdater | null>(null)
  const [failed, setFailed] = useState(false)
  const latest = useRef({ props, scene })
  useEffect(() => {
    latest.current = { props, scene }
  })

  useEffect(() => {
    if (box.current === null) return
    let made: ChartUpdater
    const pressed: ConstructorParameters<typeof ChartUpdater>[3]['pressed'] = (point, found) => {
      const now = latest.current.props
      if (now.pick !== null) now.pick(point)
      else if (found?.source === 'incidents') now.openMatter(found.id)
      else now.chooseUnit(found?.id ?? null)
    }
    try {
      made = new ChartUpdater(box.current, city.bbox, latest.current.scene, { pressed })
    } catch {
      // Without WebGL there is no map; the lists do not need it.
      setFailed(true)
      return
    }
    setUpdater(made)
    return () => {
      setUpdater(null)
      made.end()
    }
  }, [city.bbox])
  return { box, updater, failed }
}

export default function ChartPane(props: ChartProps) {
  const { t } = useTranslation()
  const { city } = useCity()
  const scene = useScene(props)
  const { box, updater, failed } = useUpdater(props, scene)
  const fix = usePicture((picture) => picture.live.fixes.get(props.unit ?? ''))

  useEffect(() => updater?.show(scene), [updater, scene])
  useLookAt(updater, props.cursor, props.rows.find((row) => row.id === props.cursor)?.place ?? null)
  useLookAt(updater, props.unit, fix ?? null)

  return (
    <div className={props.pick === null ? 'chart' : 'chart picking'}>
      <div ref={box} className="chart-box" role="region" aria-label={t('map.title')} data-testid="chart" />
      {failed ? <div className="blank chart-blank">{t('map.failed')}</div> : null}
      {props.pick === null ? null : (
        <p className="chart-hint" role="status">
          {t('map.pick')}
        </p>
      )}
      <div className="chart-tools" role="group" aria-label={t('map.tools')}>
        <button type="button" aria-label={t('map.in')} onClick={() => updater?.zoom(1)}>
          +
        </button>
        <button type="button" aria-label={t('map.out')} onClick={() => updater?.zoom(-1)}>
          −
        </button>
        <button type="button" aria-label={t('map.all')} title={t('map.all')} onClick={() => updater?.showAll()}>
          ⌂
        </button>
      </div>
      <Credit lines={city.attribution} />
    </div>
  )
}

/** Whose data the map is made of: the first source always in sight, the others on a press. */
function Credit({ lines }: { lines: readonly string[] }) {
  const [first, ...others] = lines
  if (first === undefined) return null
  return (
    <details className="chart-credit">
      <summary>{first}</summary>
      <ul>
        {others.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </details>
  )
}

/** Brings what was just chosen into view; afterwards the map stays where the reader leaves it. */
function useLookAt(updater: ChartUpdater | null, key: string | null, point: Point | null): void {
  const latest = useRef(point)
  useEffect(() => {
    latest.current = point
  })
  const known = point !== null
  useEffect(() => {
    if (key !== null && known && latest.current !== null) updater?.lookAt(latest.current)
  }, [updater, key, known])
}
