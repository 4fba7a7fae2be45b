/** Times as the room writes them: absolute `14:03:22`, since `2′10″`. Pure. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const pad = (value: number) => String(value).padStart(2, '0')

/** A span of milliseconds: `0′07″`, `59′59″`, `1h05′`, `2d03h`. Negative spans count as nothing. */
export function span(ms: number): string {
  const left = Math.max(0, ms)
  if (left < HOUR) return `${Math.floor(left / MINUTE)}′${pad(Math.floor((left % MINUTE) / SECOND))}″`
  if (left < DAY) return `${Math.floor(left / HOUR)}h${pad(Math.floor((left % HOUR) / MINUTE))}′`
  return `${Math.floor(left / DAY)}d${pad(Math.floor((left % DAY) / HOUR))}h`
}

const formats = new Map<string, Intl.DateTimeFormat>()

function format(timezone: string, dated: boolean): Intl.DateTimeFormat {
  const key = `${timezone} ${dated}`
  let made = formats.get(key)
  if (made === undefined) {
    const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const
    const day = dated ? ({ year: 'numeric', month: '2-digit', day: '2-digit' } as const) : {}
    made = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, ...clock, ...day })
    formats.set(key, made)
  }
  return made
}

/** `14:03:22` in the city's time zone. */
export function clockTime(ms: number, timezone: string): string {
  return format(timezone, false).format(ms)
}

/** `2026-11-23 14:03:22` in the city's time zone. */
export function dayTime(ms: number, timezone: string): string {
  return format(timezone, true).format(ms)
}

/** `14:03:22` for a moment of the same city day as `now`, else with its date in front: `11-22 14:03:22`. */
export function shortTime(ms: number, now: number, timezone: string): string {
  const full = dayTime(ms, timezone)
  return full.slice(0, 10) === dayTime(now, timezone).slice(0, 10) ? full.slice(11) : full.slice(5)
}

/** Travel time as `6′`, at least a minute. */
export function minutes(seconds: number): string {
  return `${Math.max(1, Math.round(seconds / 60))}′`
}

const NAUTICAL_MILE = 1852

/** Metres on land, nautical miles for boats. */
export function distance(metres: number, mode: string): string {
  if (mode === 'water') return `${(metres / NAUTICAL_MILE).toFixed(1)} nm`
  return metres < 1000 ? `${Math.round(metres)} m` : `${(metres / 1000).toFixed(1)} km`
}
