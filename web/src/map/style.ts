/**
 * The quiet chart under units and matters: a sheet of sea with its frame, land, coast, boundaries, names.
 * No tiles, no glyph server. Outside the sheet we know nothing, so nothing is drawn there.
 */
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl'
import type { Palette } from '../ui/tokens'
import { collection } from './features'

export const SOURCES = ['sheet', 'coast', 'boundaries', 'labels', 'links', 'units', 'incidents', 'draft'] as const
export type SourceName = (typeof SOURCES)[number]

const FONT = ['sans-serif']
const STATION_ZOOM = 10.2
const CALL_SIGN_ZOOM = 11

function ground(palette: Palette): LayerSpecification[] {
  return [
    { id: 'table', type: 'background', paint: { 'background-color': palette.surface } },
    { id: 'sea', type: 'fill', source: 'sheet', paint: { 'fill-color': palette.sea } },
    { id: 'land', type: 'fill', source: 'coast', paint: { 'fill-color': palette.land } },
    { id: 'shore', type: 'line', source: 'coast', paint: { 'line-color': palette.coast, 'line-width': 0.8 } },
    {
      id: 'boundaries',
      type: 'line',
      source: 'boundaries',
      paint: { 'line-color': palette.coast, 'line-width': 0.7, 'line-dasharray': [3, 3], 'line-opacity': 0.7 },
    },
    { id: 'frame', type: 'line', source: 'sheet', paint: { 'line-color': palette.coast, 'line-width': 1.5 } },
  ]
}

function names(palette: Palette): LayerSpecification[] {
  const paint = {
    'text-color': palette.quiet,
    'text-halo-color': palette.land,
    'text-halo-width': 1.4,
  }
  return [
    {
      id: 'stations',
      type: 'symbol',
      source: 'labels',
      minzoom: STATION_ZOOM,
      filter: ['==', ['get', 'tier'], 'station'],
      layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 11, 'text-padding': 6 },
      paint,
    },
    {
      id: 'counties',
      type: 'symbol',
      source: 'labels',
      maxzoom: STATION_ZOOM + 1,
      filter: ['==', ['get', 'tier'], 'county'],
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': 12,
        'text-max-width': 20,
        'text-anchor': 'bottom',
        'text-offset': [0, -1],
      },
      paint,
    },
  ]
}

function ring(id: string, source: SourceName, radius: number, colour: string): LayerSpecification {
  return {
    id,
    type: 'circle',
    source,
    filter: ['==', ['get', 'chosen'], true],
    paint: {
      'circle-radius': radius,
      'circle-color': colour,
      'circle-opacity': 0.12,
      'circle-stroke-color': colour,
      'circle-stroke-width': 1.6,
    },
  }
}

function unitSigns(palette: Palette): LayerSpecification {
  return {
    id: 'units',
    type: 'symbol',
    source: 'units',
    layout: {
      'icon-image': ['get', 'icon'],
      'icon-size': ['interpolate', ['linear'], ['zoom'], 8, 0.6, 11, 1],
      'icon-rotate': ['get', 'turn'],
      'icon-rotation-alignment': 'map',
      'icon-allow-overlap': true,
      'icon-ignore-placement': true,
      'symbol-sort-key': ['get', 'order'],
      'text-field': ['step', ['zoom'], '', CALL_SIGN_ZOOM, ['get', 'name']],
      'text-font': FONT,
      'text-size': 11,
      'text-anchor': 'top',
      'text-offset': [0, 0.9],
      'text-optional': true,
    },
    paint: {
      'icon-opacity': ['get', 'shown'],
      'text-opacity': ['get', 'shown'],
      'text-color': palette.text,
      'text-halo-color': palette.land,
      'text-halo-width': 1.4,
    },
  }
}

const FLAGS: LayerSpecification = {
  id: 'incidents',
  type: 'symbol',
  source: 'incidents',
  layout: {
    'icon-image': ['get', 'icon'],
    'icon-size': ['interpolate', ['linear'], ['zoom'], 8, 0.8, 11, 1],
    'icon-anchor': 'bottom-left',
    'icon-offset': [-5, 1],
    'icon-allow-overlap': true,
    'icon-ignore-placement': true,
    'symbol-sort-key': ['get', 'order'],
  },
}

function actors(palette: Palette): LayerSpecification[] {
  return [
    {
      id: 'links',
      type: 'line',
      source: 'links',
      paint: { 'line-color': palette.accent, 'line-width': 1.2, 'line-dasharray': [2, 2] },
    },
    ring('unit-ring', 'units', 13, palette.accent),
    unitSigns(palette),
    ring('incident-ring', 'incidents', 18, palette.accent),
    FLAGS,
    {
      id: 'draft',
      type: 'circle',
      source: 'draft',
      paint: {
        'circle-radius': 6,
        'circle-color': palette.raised,
        'circle-stroke-color': palette.now,
        'circle-stroke-width': 2.5,
      },
    },
  ]
}

export function layers(palette: Palette): LayerSpecification[] {
  return [...ground(palette), ...names(palette), ...actors(palette)]
}

export function chartStyle(palette: Palette): StyleSpecification {
  const empty = { type: 'geojson' as const, data: collection([]) }
  return {
    version: 8,
    sources: Object.fromEntries(SOURCES.map((name) => [name, { ...empty }])),
    layers: layers(palette),
  }
}
