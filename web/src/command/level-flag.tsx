/** The sign of a level: a flag with 一 to 四, filled for the two that cannot wait, outlined for the others. */
import { useCity } from '../ui/city'
import { useTheme } from '../ui/theme'
import { inkOn } from '../ui/tokens'

const NUMERALS = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九']
const LAST_FILLED = 2

export const numeral = (level: number) => NUMERALS[level] ?? String(level)
export const isFilled = (level: number) => level <= LAST_FILLED
export const FLAG_PATH = 'M3 1.5H19L16.2 8L19 14.5H3z'

export function LevelFlag({ level }: { level: number }) {
  const { city, level: nameOf } = useCity()
  const { shade } = useTheme()
  const found = city.levels.find((one) => one.code === level)
  const colour = (shade === 'dark' ? found?.colour_dark : found?.colour_light) ?? 'var(--quiet)'
  const filled = isFilled(level)
  const ink = filled ? inkOn(colour) : 'var(--text)'
  return (
    <svg className="flag" width="22" height="19" viewBox="0 0 22 19" role="img" aria-label={nameOf(level)}>
      <path d="M2.5 1V18.5" stroke={colour} strokeWidth={level > LAST_FILLED + 1 ? 1 : 1.6} fill="none" />
      <path
        d={FLAG_PATH}
        fill={filled ? colour : 'none'}
        stroke={colour}
        strokeWidth={level > LAST_FILLED + 1 ? 0.8 : 1.5}
      />
      <text x="9.6" y="11.6" fontSize="10" textAnchor="middle" fill={ink} fontWeight={filled ? 600 : 400}>
        {numeral(level)}
      </text>
    </svg>
  )
}
