/** The palette: the one place where the page, the map and the form controls take their colours from. */

export type Shade = 'light' | 'dark'

export interface Palette {
  surface: string
  raised: string
  line: string
  text: string
  quiet: string
  accent: string
  /** Text on a filled accent surface. */
  onAccent: string
  /** Background of the selected row and of pressed controls. */
  chosen: string
  /** Tint a changed row fades from. */
  tint: string
  sea: string
  land: string
  coast: string
  now: string
  soon: string
  fine: string
  scene: string
}

export const PALETTES: Record<Shade, Palette> = {
  light: {
    surface: '#F7F9FB',
    raised: '#FFFFFF',
    line: '#D9E0E7',
    text: '#16202B',
    quiet: '#56667A',
    accent: '#0B5FA5',
    onAccent: '#FFFFFF',
    chosen: '#E3EEF8',
    tint: '#FFF1CF',
    sea: '#DCE7EF',
    land: '#F1F3F0',
    coast: '#B5C3CE',
    now: '#C4321C',
    soon: '#9A5B00',
    fine: '#1F7A4D',
    scene: '#6A3FA0',
  },
  dark: {
    surface: '#10161D',
    raised: '#171F28',
    line: '#2A3642',
    text: '#E6EDF3',
    quiet: '#8FA1B3',
    accent: '#5AA9E6',
    onAccent: '#0C131A',
    chosen: '#1D3144',
    tint: '#3A3320',
    sea: '#0C131A',
    land: '#1A232C',
    coast: '#33424F',
    now: '#FF7A66',
    soon: '#F2B04B',
    fine: '#5CC48D',
    scene: '#B99AE8',
  },
}

/** The palette for a reader who asked the system for more contrast: quiet text and lines speak up. */
export function sharpened(palette: Palette): Palette {
  return { ...palette, quiet: palette.text, line: palette.quiet, coast: palette.quiet }
}

function channel(value: number): number {
  const part = value / 255
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
}

/** Relative luminance (WCAG 2) of a colour written #RRGGBB; 0 for anything else. */
export function luminance(colour: string): number {
  const parts = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour)
  if (parts === null) return 0
  const [red, green, blue] = parts.slice(1).map((part) => channel(Number.parseInt(part, 16)))
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
}

/** Contrast ratio (WCAG 2) between two colours, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05)
}

/** Black or white, whichever reads better on this colour. */
export function inkOn(colour: string): string {
  return contrast(colour, '#FFFFFF') >= contrast(colour, '#0C131A') ? '#FFFFFF' : '#0C131A'
}
