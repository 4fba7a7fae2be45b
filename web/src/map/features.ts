/** The picture as GeoJSON: what the map's sources hold. Pure. */
import type { Feature, FeatureCollection, LineString, Point as PointGeometry } from 'geojson'
import type { Shape } from '../action/shapes'
import { isSilent, shapeOf, statusOf } from '../action/status'
import type { IncidentRow, Level, Organisation, Status } from '../client/types'
import type { Fix, Unit } from '../journal/live'
import { type Palette, type Shade } from '../ui/tokens'
import { type Glides, type Point, where } from './glide'
import { flagInk, type Icon, iconName } from './icons'

export interface Layerful {
  features: FeatureCollection
  /** Every icon the features name. */
  icons: Icon[]
}

export interface Colours {
  shade: Shade
  palette: Palette
}

const NUMERALS = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九']
const LAST_FILLED = 2
const THIN_FROM = 4

function pointFeature(at: Point, properties: Record<string, unknown>): Feature<PointGeometry> {
  return { type: 'Feature', geometry: { type: 'Point', coordinates: [at.lon, at.lat] }, properties }
}

export function collection(features: Feature[]): FeatureCollection {
  return { type: 'FeatureCollection', features }
}

function flagOf(level: number, levels: readonly Level[], { shade, palette }: Colours): Icon {
  const found = levels.find((one) => one.code === level)
  const colour = (shade === 'dark' ? found?.colour_dark : found?.colour_light) ?? palette.quiet
  const filled = level <= LAST_FILLED
  const ink = flagInk(filled, colour, palette.text)
  const numeral = NUMERALS[level] ?? String(level)
  return { kind: 'flag', numeral, filled, thin: level >= THIN_FROM, colour, halo: palette.land, ink }
}

/** Matters with a known place; the gravest are drawn last, on top. */
export function incidentFeatures(
  rows: readonly IncidentRow[],
  cursor: string | null,
  levels: readonly Level[],
  colours: Colours,
): Layerful {
  const icons = new Map(levels.map(({ code }) => [code, flagOf(code, levels, colours)]))
  const features: Feature[] = []
  for (const row of rows) {
    if (row.place === null) continue
    const icon = icons.get(row.level) ?? flagOf(row.level, levels, colours)
    icons.set(row.level, icon)
    const chosen = row.id === cursor
    const order = (chosen ? 100 : 0) - row.level
    const name = `${row.number} ${row.place.label}`
    features.push(pointFeature(row.place, { id: row.id, icon: iconName(icon), chosen, order, name }))
  }
  return { features: collection(features), icons: [...icons.values()] }
}

export interface UnitScene {
  units: ReadonlyMap<string, Unit>
  fixes: ReadonlyMap<string, Fix>
  glides: Glides
  statuses: readonly Status[]
  chosen: string | null
  /** Server clock and browser clock, epoch ms: ages follow the first, gliding the second. */
  now: number
  drawnAt: number
}

function iconOf(status: Status, silent: boolean, { shade, palette }: Colours): Icon {
  const shape: Shape = silent ? 'broken_ring' : shapeOf(status)
  const own = shade === 'dark' ? status.colour_dark : status.colour_light
  return { kind: 'unit', shape, colour: silent ? palette.soon : own, halo: palette.land }
}

const GROUP_ORDER: Record<Status['group'], number> = {
  emergency: 6,
  on_scene: 5,
  under_way: 4,
  dispatched: 3,
  available: 2,
  busy: 1,
  off: 0,
}

/** How strongly a unit is drawn that has not told its place yet and is taken to be at its base. */
const AT_BASE = 0.45

/** Units on duty, each with the sign of its status; those without a fix stand faintly at their base. */
export function unitFeatures(scene: UnitScene, colours: Colours): Layerful {
  const icons = new Map<string, Icon>()
  const features: Feature[] = []
  for (const unit of scene.units.values()) {
    const fix = scene.fixes.get(unit.id)
    const status = statusOf(unit, scene.statuses)
    if (status.group === 'off') continue
    const glide = scene.glides.get(unit.id)
    const icon = iconOf(status, isSilent(status, fix, scene.now), colours)
    const name = iconName(icon)
    icons.set(name, icon)
    const turn = icon.kind === 'unit' && icon.shape === 'arrow' ? (fix?.heading ?? 0) : 0
    const chosen = unit.id === scene.chosen
    const order = (chosen ? 100 : 0) + GROUP_ORDER[status.group]
    const shown = fix === undefined ? AT_BASE : 1
    const properties = { id: unit.id, icon: name, turn, chosen, order, shown, name: unit.call_sign }
    const at = glide === undefined ? (fix ?? unit.base) : where(glide, scene.drawnAt)
    features.push(pointFeature(at, properties))
  }
  return { features: collection(features), icons: [...icons.values()] }
}

const ENDED = new Set(['finished', 'returned', 'lapsed', 'withdrawn'])

/** Thin lines from the highlighted matter to the units which are on their way to it. */
export function linkFeatures(row: IncidentRow | undefined, fixes: ReadonlyMap<string, Fix>): FeatureCollection {
  const place = row?.place ?? null
  if (row === undefined || place === null) return collection([])
  const links: Feature<LineString>[] = []
  for (const order of row.orders) {
    const fix = fixes.get(order.unit)
    if (fix === undefined || ENDED.has(order.state)) continue
    const line = [
      [fix.lon, fix.lat],
      [place.lon, place.lat],
    ]
    links.push({ type: 'Feature', geometry: { type: 'LineString', coordinates: line }, properties: {} })
  }
  return collection(links)
}

/** The sheet the city is drawn on. */
export function sheetFeatures([west = 0, south = 0, east = 0, north = 0]: readonly number[]): FeatureCollection {
  const corners = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ]
  return collection([{ type: 'Feature', geometry: { type: 'Polygon', coordinates: [corners] }, properties: {} }])
}

/** Names of counties and stations at their seats. */
export function labelFeatures(organisations: readonly Organisation[], language: string): FeatureCollection {
  const zh = language.startsWith('zh')
  return collection(
    organisations
      .filter((one) => (one.tier === 'county' || one.tier === 'station') && one.lon !== null && one.lat !== null)
      .map((one) =>
        pointFeature(
          { lon: one.lon ?? 0, lat: one.lat ?? 0 },
          { name: zh ? one.name_zh : one.name_en || one.name_zh, tier: one.tier },
        ),
      ),
  )
}
