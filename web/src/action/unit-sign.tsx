/** A unit's sign in lists: the same paths the map draws. */
import { useTheme } from '../ui/theme'
import { LINE, SHAPES, type Shape } from './shapes'
import type { Status } from '../client/types'

interface SignProps {
  shape: Shape
  status: Status
  /** Read out instead of the sign. */
  label?: string
  heading?: number | null
}

export function UnitSign({ shape, status, label, heading }: SignProps) {
  const { shade } = useTheme()
  const colour = shade === 'dark' ? status.colour_dark : status.colour_light
  const turn = shape === 'arrow' && typeof heading === 'number' ? `rotate(${heading} 12 12)` : undefined
  return (
    <svg
      className="sign"
      width="16"
      height="16"
      viewBox="0 0 24 24"
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    >
      <g transform={turn}>
        {SHAPES[shape].map((stroke) => (
          <path
            key={stroke.path}
            d={stroke.path}
            fill={stroke.fill ? colour : 'none'}
            stroke={stroke.fill ? 'none' : colour}
            strokeWidth={LINE}
          />
        ))}
      </g>
    </svg>
  )
}
