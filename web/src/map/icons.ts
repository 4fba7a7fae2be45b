/** The signs on the map, drawn once per shape and colour on a canvas, from the paths the lists use. */
import { LINE, SHAPES, type Shape } from '../action/shapes'
import { inkOn } from '../ui/tokens'

export type Icon =
  | { kind: 'unit'; shape: Shape; colour: string; halo: string }
  | { kind: 'flag'; numeral: string; filled: boolean; thin: boolean; colour: string; halo: string; ink: string }

/** Drawn at twice the size for sharp screens. */
export const PIXEL_RATIO = 2
const FIELD = 24
const UNIT_PX = 18
const FLAG_PX = 26

export function iconName(icon: Icon): string {
  return Object.values(icon).join('|')
}

function canvas(px: number): CanvasRenderingContext2D {
  const sheet = document.createElement('canvas')
  sheet.width = px * PIXEL_RATIO
  sheet.height = px * PIXEL_RATIO
  const pen = sheet.getContext('2d')
  if (pen === null) throw new Error('no 2D canvas')
  pen.scale((px * PIXEL_RATIO) / FIELD, (px * PIXEL_RATIO) / FIELD)
  pen.lineJoin = 'round'
  return pen
}

function drawUnit(icon: Extract<Icon, { kind: 'unit' }>): ImageData {
  const pen = canvas(UNIT_PX)
  for (const stroke of SHAPES[icon.shape]) {
    pen.strokeStyle = icon.halo
    pen.lineWidth = stroke.fill ? 3 : LINE + 3
    pen.stroke(new Path2D(stroke.path))
  }
  for (const stroke of SHAPES[icon.shape]) {
    const path = new Path2D(stroke.path)
    pen.fillStyle = icon.colour
    pen.strokeStyle = icon.colour
    pen.lineWidth = LINE
    if (stroke.fill) pen.fill(path)
    else pen.stroke(path)
  }
  return pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height)
}

const CLOTH = 'M4.5 2H22.500L19 8.500L22.5 15H4.500z'
const POLE = 'M4.5 1.500V23'

/** The pole's foot stands at the place: `flagOffset` puts it there. */
function drawFlag(icon: Extract<Icon, { kind: 'flag' }>): ImageData {
  const pen = canvas(FLAG_PX)
  const [cloth, pole] = [new Path2D(CLOTH), new Path2D(POLE)]
  pen.strokeStyle = icon.halo
  pen.lineWidth = 4
  pen.stroke(pole)
  pen.stroke(cloth)
  pen.fillStyle = icon.filled ? icon.colour : icon.halo
  pen.fill(cloth)
  pen.strokeStyle = icon.colour
  pen.lineWidth = icon.thin ? 1.1 : 1.9
  pen.stroke(cloth)
  pen.stroke(pole)
  pen.fillStyle = icon.ink
  pen.font = `${icon.filled ? 600 : 400} 11px "Noto Sans SC", "Noto Sans CJK SC", system-ui, sans-serif`
  pen.textAlign = 'center'
  pen.textBaseline = 'middle'
  pen.fillText(icon.numeral, 12, 9)
  return pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height)
}

export function drawIcon(icon: Icon): ImageData {
  return icon.kind === 'unit' ? drawUnit(icon) : drawFlag(icon)
}

/** Ink on a flag's cloth: on a filled one black or white, on an outline the text colour. */
export function flagInk(filled: boolean, colour: string, text: string): string {
  return filled ? inkOn(colour) : text
}
