/** Days of the city, as moments the server takes. Pure. */
import type { LogFilter } from '../client/api'
import { dayTime } from '../ui/time'

const DAY = 86_400_000

/** The moment a day (`2026-11-23`) begins in a time zone, `later` days on. */
export function midnight(day: string, timezone: string, later = 0): string {
  const guess = Date.parse(`${day}T00:00:00Z`) + later * DAY
  const shown = Date.parse(`${dayTime(guess, timezone).replace(' ', 'T')}Z`)
  return new Date(guess - (shown - guess)).toISOString()
}

/** Filters with their days, the last one included, as moments. */
export function asked(filter: LogFilter, timezone: string): LogFilter {
  const { since = '', until = '', ...rest } = filter
  return {
    ...rest,
    since: since === '' ? '' : midnight(since, timezone),
    until: until === '' ? '' : midnight(until, timezone, 1),
  }
}
