/**
 * The only code that changes the map.
 *
 * Components hand it whole scenes; it applies the newest one at a time, and of that only the parts that
 * differ from what is drawn. So nothing can race: a scene that comes while one is being applied waits,
 * and only the last one waiting counts.
 */
import type { FeatureCollection } from 'geojson'
import { type GeoJSONSource, Map as Chart, ScaleControl, setWorkerUrl } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import type { IncidentRow, Level, Organisation, Status } from '../client/types'
import type { Fix, Unit } from '../journal/live'
import { serverNow } from '../ui/clock'
import {
  type Colours,
  collection,
  incidentFeatures,
  labelFeatures,
  type Layerful,
  linkFeatures,
  sheetFeatures,
  unitFeatures,
} from './features'
import { follow, type Glides, type Point, settled } from './glide'
import { drawIcon, type Icon, iconName, PIXEL_RATIO } from './icons'
import { chartStyle, layers, type SourceName } from './style'

// The bundler moves the worker; without this the map stays blank after a build.
setWorkerUrl(workerUrl)

export interface Scene extends Colours {
  language: string
  coast: FeatureCollection | undefined
  boundaries: FeatureCollection | undefined
  organisations: readonly Organisation[]
  levels: readonly Level[]
  statuses: readonly Status[]
  incidents: readonly IncidentRow[]
  units: ReadonlyMap<string, Unit>
  fixes: ReadonlyMap<string, Fix>
  cursor: string | null
  unit: string | null
  draft: Point | null
  still: boolean
}

export interface ChartEvents {
  pressed: (point: Point, found: { source: 'units' | 'incidents'; id: string } | null) => void
}

const FONTS = '"Noto Sans SC", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif'
/** Between two drawings of gliding units. */
const FRAME_MS = 80
const SLOW_FRAME_MS = 100
const FEW = 3
const FINGER_PX = 10
const MARGIN_PX = 60
const FIT = { padding: 16 }

export class ChartUpdater {
  private readonly chart: Chart
  private readonly box: HTMLElement
  private readonly home: [number, number, number, number]
  private wanted: Scene | null = null
  private drawn: Scene | null = null
  private glides: Glides = new Map()
  private ready = false
  private running = false
  private ended = false
  /** The whole sheet is in view and stays so when the pane changes its size. */
  private whole = true
  private slowFrames = 0

  constructor(box: HTMLElement, bbox: readonly number[], scene: Scene, events: ChartEvents) {
    this.box = box
    const [west = -180, south = -85, east = 180, north = 85] = bbox
    this.home = [west, south, east, north]
    this.chart = new Chart({
      container: box,
      style: chartStyle(scene.palette),
      bounds: this.home,
      fitBoundsOptions: FIT,
      minZoom: 5,
      maxZoom: 17,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      keyboard: false,
      localIdeographFontFamily: FONTS,
    })
    this.chart.touchZoomRotate.disableRotation()
    this.chart.addControl(new ScaleControl({ maxWidth: 90 }), 'bottom-left')
    this.chart.on('click', (event) => events.pressed(this.pointOf(event.lngLat), this.findAt(event.point)))
    this.chart.on('movestart', (event) => {
      // Only a hand on the map or a chosen point counts as leaving the whole sheet, not our own fitting.
      if ('originalEvent' in event && event.originalEvent !== undefined) this.whole = false
    })
    this.chart.on('resize', () => {
      if (this.whole) this.chart.fitBounds(this.home, { ...FIT, duration: 0 })
      if (this.ready) void this.run()
    })
    this.chart.on('mousemove', (event) => this.nameAt(event.point))
    this.chart.once('load', () => {
      this.ready = true
      void this.run()
    })
    this.show(scene)
  }

  /** Makes the map look like this, as soon as it can. */
  show(scene: Scene): void {
    this.wanted = scene
    if (this.ready) void this.run()
  }

  /** Brings a point into view, if it is not. */
  lookAt(point: Point): void {
    const { x, y } = this.chart.project([point.lon, point.lat])
    const { clientWidth, clientHeight } = this.box
    const inside =
      x > MARGIN_PX && y > MARGIN_PX && x < clientWidth - MARGIN_PX && y < clientHeight - MARGIN_PX
    if (inside) return
    this.whole = false
    this.chart.easeTo({ center: [point.lon, point.lat], duration: 120 })
  }

  zoom(step: number): void {
    this.whole = false
    this.chart.easeTo({ zoom: this.chart.getZoom() + step, duration: 120 })
  }

  showAll(): void {
    this.whole = true
    this.chart.fitBounds(this.home, { ...FIT, duration: 120 })
  }

  end(): void {
    this.ended = true
    this.chart.remove()
  }

  private pointOf(at: { lng: number; lat: number }): Point {
    return { lon: at.lng, lat: at.lat }
  }

  private under({ x, y }: { x: number; y: number }) {
    const box: [[number, number], [number, number]] = [
      [x - FINGER_PX, y - FINGER_PX],
      [x + FINGER_PX, y + FINGER_PX],
    ]
    return this.ready ? this.chart.queryRenderedFeatures(box, { layers: ['incidents', 'units'] })[0] : undefined
  }

  private findAt(point: { x: number; y: number }): { source: 'units' | 'incidents'; id: string } | null {
    const found = this.under(point)
    const id: unknown = found?.properties['id']
    if (found === undefined || typeof id !== 'string') return null
    return { source: found.source === 'units' ? 'units' : 'incidents', id }
  }

  private nameAt(point: { x: number; y: number }): void {
    const name: unknown = this.under(point)?.properties['name']
    this.box.title = typeof name === 'string' ? name : ''
  }

  private async run(): Promise<void> {
    if (this.running) return
    this.running = true
    while (!this.ended && this.isSeen()) {
      const scene = this.wanted
      const gliding = scene === this.drawn
      if (scene !== null && !gliding) await this.apply(scene)
      else if (this.moves()) await this.drawUnits(this.drawn)
      else break
      await this.nextFrame(gliding)
    }
    this.running = false
  }

  /** Behind another tab of a phone nothing is drawn; showing it again resizes it, and that wakes us. */
  private isSeen(): boolean {
    return this.box.clientWidth > 0
  }

  /** Waits for a frame. Where frames come late there is no graphics card, and units had better not glide. */
  private async nextFrame(gliding: boolean): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, FRAME_MS))
    const asked = performance.now()
    await new Promise((resolve) => requestAnimationFrame(resolve))
    if (gliding && performance.now() - asked > SLOW_FRAME_MS) this.slowFrames += 1
  }

  private moves(): boolean {
    return !settled(this.glides, performance.now())
  }

  private async apply(scene: Scene): Promise<void> {
    const before = this.drawn
    const changed = (...names: (keyof Scene)[]) =>
      before === null || names.some((name) => scene[name] !== before[name])
    if (before !== null && changed('palette')) this.repaint(scene)
    if (before === null) await this.fill('sheet', sheetFeatures(this.home))
    if (scene.coast && changed('coast')) await this.fill('coast', scene.coast)
    if (scene.boundaries && changed('boundaries')) await this.fill('boundaries', scene.boundaries)
    if (changed('organisations', 'language')) {
      await this.fill('labels', labelFeatures(scene.organisations, scene.language))
    }
    if (changed('draft')) {
      const point = scene.draft
      await this.fill('draft', collection(point === null ? [] : [asFeature(point)]))
    }
    if (changed('incidents', 'cursor', 'levels', 'palette')) {
      await this.fillSigns('incidents', incidentFeatures(scene.incidents, scene.cursor, scene.levels, scene))
    }
    if (changed('fixes')) this.followFixes(scene)
    if (changed('fixes', 'units', 'unit', 'statuses', 'palette')) await this.drawUnits(scene)
    if (changed('fixes', 'incidents', 'cursor')) {
      const row = scene.incidents.find((one) => one.id === scene.cursor)
      await this.fill('links', linkFeatures(row, scene.fixes))
    }
    this.drawn = scene
    this.box.dataset['drawn'] = 'yes'
  }

  private followFixes(scene: Scene): void {
    const still = scene.still || this.slowFrames >= FEW
    this.glides = follow(this.glides, scene.fixes, performance.now(), still)
  }

  private async drawUnits(scene: Scene | null): Promise<void> {
    if (scene === null) return
    const { units, fixes, statuses, unit: chosen } = scene
    const moment = { units, fixes, statuses, chosen, glides: this.glides, now: serverNow(), drawnAt: performance.now() }
    await this.fillSigns('units', unitFeatures(moment, scene))
  }

  private async fillSigns(name: 'units' | 'incidents', { features, icons }: Layerful): Promise<void> {
    for (const icon of icons) this.learn(icon)
    await this.fill(name, features)
    this.box.dataset[name] = String(features.features.length)
  }

  private learn(icon: Icon): void {
    const name = iconName(icon)
    if (!this.chart.hasImage(name)) this.chart.addImage(name, drawIcon(icon), { pixelRatio: PIXEL_RATIO })
  }

  private async fill(name: SourceName, data: FeatureCollection): Promise<void> {
    if (this.ended) return
    await this.chart.getSource<GeoJSONSource>(name)?.setData(data)
  }

  private repaint(scene: Scene): void {
    for (const layer of layers(scene.palette)) {
      for (const [property, value] of Object.entries(layer.paint ?? {})) {
        this.chart.setPaintProperty(layer.id, property as never, value as never)
      }
    }
  }
}

function asFeature(point: Point): FeatureCollection['features'][number] {
  return { type: 'Feature', geometry: { type: 'Point', coordinates: [point.lon, point.lat] }, properties: {} }
}
