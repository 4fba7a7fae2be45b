/**
 * The signs of units: shape + colour + word, never colour alone.
 *
 * Each shape is drawn from the same paths in the lists (SVG) and on the map (canvas), on a 24 × 24 field.
 * Paths only use what both understand.
 */

export type Shape = 'circle' | 'half_circle' | 'arrow' | 'square' | 'small_square' | 'broken_ring' | 'diamond' | 'ring'

export interface Stroke {
  path: string
  fill: boolean
}

export const SHAPES: Record<Shape, readonly Stroke[]> = {
  circle: [{ path: 'M12 4.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15z', fill: true }],
  half_circle: [
    { path: 'M12 4.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15z', fill: false },
    { path: 'M12 4.5a7.5 7.5 0 0 0 0 15z', fill: true },
  ],
  arrow: [{ path: 'M12 2.5L19.5 20.5L12 16.5L4.5 20.5z', fill: true }],
  square: [{ path: 'M5 5h14v14h-14z', fill: true }],
  small_square: [{ path: 'M8 8h8v8h-8z', fill: true }],
  broken_ring: [{ path: 'M15.6 5.4a7.5 7.5 0 1 1-7.2 0', fill: false }],
  diamond: [{ path: 'M12 2L22 12L12 22L2 12z', fill: true }],
  ring: [{ path: 'M12 7a5 5 0 1 1 0 10a5 5 0 1 1 0-10z', fill: false }],
}

/** Line width of the unfilled parts, in the 24 × 24 field. */
export const LINE = 2.4
