import { describe, expect, it } from 'vitest'
import { contrast, inkOn, PALETTES, type Palette, sharpened } from './tokens'

const TEXT: (keyof Palette)[] = ['text', 'quiet', 'accent', 'now', 'soon', 'fine', 'scene']
const GROUND: (keyof Palette)[] = ['surface', 'raised', 'chosen']

describe.each(Object.entries(PALETTES))('%s palette', (_name, palette) => {
  it.each(TEXT.flatMap((text) => GROUND.map((ground) => [text, ground] as const)))(
    '%s reads on %s (WCAG AA)',
    (text, ground) => {
      expect(contrast(palette[text], palette[ground])).toBeGreaterThanOrEqual(4.5)
    },
  )

  it('reads on filled controls and on the tint', () => {
    expect(contrast(palette.onAccent, palette.accent)).toBeGreaterThanOrEqual(4.5)
    expect(contrast(palette.text, palette.tint)).toBeGreaterThanOrEqual(4.5)
  })

  it('keeps signs apart from land and sea (3:1 for graphics)', () => {
    for (const sign of ['accent', 'now', 'soon', 'fine', 'scene'] as const) {
      expect(contrast(palette[sign], palette.land)).toBeGreaterThanOrEqual(3)
      expect(contrast(palette[sign], palette.sea)).toBeGreaterThanOrEqual(3)
    }
  })

  it('sharpens lines when more contrast is asked for', () => {
    expect(contrast(sharpened(palette).line, palette.surface)).toBeGreaterThanOrEqual(4.5)
  })
})

describe('contrast', () => {
  it('gives the known extremes', () => {
    expect(contrast('#000000', '#FFFFFF')).toBeCloseTo(21, 5)
    expect(contrast('#0B5FA5', '#0B5FA5')).toBe(1)
  })

  it('puts dark ink on light colours and light ink on dark ones', () => {
    expect(inkOn('#F2B04B')).toBe('#0C131A')
    expect(inkOn('#C4321C')).toBe('#FFFFFF')
  })
})
