/** What the city pack says, for every component: names, colours, the time zone. */
import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { readCity, readOrganisations } from '../client/api'
import type { Category, City, Organisation } from '../client/types'
import { serverNow, setServerClock } from './clock'
import { LoadFailed, Loading } from './empty'
import { named } from './language'
import { dayTime, shortTime } from './time'

interface CityWords {
  city: City
  organisations: Organisation[]
  category: (code: string) => string
  /** The whole line of names, upper first: 纠纷 / 邻里. */
  categoryLine: (code: string) => string
  organisation: (id: string) => string
  level: (code: number) => string
  channel: (code: string) => string
  clock: (name: string) => string
  /** `14:03:22`, with the date in front when it is not today. */
  time: (moment: string | number) => string
  fullTime: (moment: string | number) => string
}

const CityContext = createContext<CityWords | null>(null)

const toMs = (moment: string | number) => (typeof moment === 'number' ? moment : Date.parse(moment))

/** A running clock is named after what it waits for, such as `sign:` and the order: the pack knows `sign`. */
export const clockName = (name: string) => name.split(':')[0] ?? name

function wordsOf(city: City, organisations: Organisation[], language: string): CityWords {
  const categories = new Map(city.categories.map((one) => [one.code, one]))
  const places = new Map(organisations.map((one) => [one.id, named(one, language)]))
  const levels = new Map(city.levels.map((one) => [one.code, named(one, language)]))
  const channels = new Map(city.channels.map((one) => [one.code, named(one, language)]))
  const clocks = new Map(city.clocks.map((one) => [one.name, named(one, language)]))
  const category = (code: string) => {
    const found = categories.get(code)
    return found === undefined ? code : named(found, language)
  }
  const categoryLine = (code: string) => {
    const line: string[] = []
    let at: Category | undefined = categories.get(code)
    for (; at !== undefined; at = categories.get(at.parent ?? '')) {
      line.unshift(named(at, language))
    }
    return line.length === 0 ? code : line.join(' / ')
  }
  return {
    city,
    organisations,
    category,
    categoryLine,
    organisation: (id) => places.get(id) ?? id,
    level: (code) => levels.get(code) ?? String(code),
    channel: (code) => channels.get(code) ?? code,
    clock: (name) => clocks.get(clockName(name)) ?? name,
    time: (moment) => shortTime(toMs(moment), serverNow(), city.timezone),
    fullTime: (moment) => dayTime(toMs(moment), city.timezone),
  }
}

/** Loads the pack's words; shows a plain page while they come and when they do not. */
export function CityProvider({ children }: { children: ReactNode }) {
  const { t, i18n } = useTranslation()
  const city = useQuery({ queryKey: ['city'], queryFn: ({ signal }) => readCity(signal), staleTime: Infinity })
  const organisations = useQuery({ queryKey: ['organisations'], queryFn: readOrganisations, staleTime: 600_000 })
  useEffect(() => {
    if (city.data) setServerClock(Date.parse(city.data.clock.now), city.data.clock.speed)
  }, [city.data])
  const words = useMemo(
    () => (city.data && organisations.data ? wordsOf(city.data, organisations.data, i18n.language) : null),
    [city.data, organisations.data, i18n.language],
  )
  if (words !== null) return <CityContext value={words}>{children}</CityContext>
  const error = city.error ?? organisations.error
  const again = () => void Promise.all([city.refetch(), organisations.refetch()])
  if (error !== null) return <LoadFailed error={error} again={again} />
  return <Loading what={t('load.city')} />
}

export function useCity(): CityWords {
  const words = useContext(CityContext)
  if (words === null) throw new Error('useCity outside CityProvider')
  return words
}
