/**
 * Where the reader is: open matter, tab and filters, kept in the address after `#`.
 *
 * So a reload, a shared address, the browser's Back, and a sign-in after an expired session all come back
 * to the same place. Only identifiers and filter words go there,
 * and what stands after `#` is never sent to a server.
 */
import { useSyncExternalStore } from 'react'

export type PageName = 'access' | 'retention' | 'security' | 'tokens'
export type Tab = 'list' | 'map' | 'matter' | 'units'

export interface Whereabouts {
  /** A page of its own beside the board; null is the board. */
  page: PageName | null
  matter: string | null
  tab: Tab
  levels: readonly number[]
  state: string
  organisation: string
  text: string
}

export const START: Whereabouts = {
  page: null,
  matter: null,
  tab: 'list',
  levels: [],
  state: '',
  organisation: '',
  text: '',
}

const TABS: readonly string[] = ['list', 'map', 'matter', 'units']

const PAGES: readonly string[] = ['access', 'retention', 'security', 'tokens']

function isPage(value: string | null): value is PageName {
  return value !== null && PAGES.includes(value)
}

function isTab(value: string | null): value is Tab {
  return value !== null && TABS.includes(value)
}

export function parsePlace(hash: string): Whereabouts {
  const query = new URLSearchParams(hash.replace(/^#/, ''))
  const tab = query.get('tab')
  const page = query.get('page')
  const levels = (query.get('level') ?? '').split('.').map(Number)
  return {
    page: isPage(page) ? page : null,
    matter: query.get('matter'),
    tab: isTab(tab) ? tab : 'list',
    levels: levels.filter((level) => Number.isInteger(level) && level >= 1 && level <= 9),
    state: query.get('state') ?? '',
    organisation: query.get('organisation') ?? '',
    text: query.get('q') ?? '',
  }
}

export function writePlace(place: Whereabouts): string {
  const query = new URLSearchParams()
  if (place.page !== null) query.set('page', place.page)
  if (place.matter !== null) query.set('matter', place.matter)
  if (place.tab !== 'list') query.set('tab', place.tab)
  if (place.levels.length > 0) query.set('level', place.levels.join('.'))
  if (place.state !== '') query.set('state', place.state)
  if (place.organisation !== '') query.set('organisation', place.organisation)
  if (place.text !== '') query.set('q', place.text)
  const words = query.toString()
  return words === '' ? '' : `#${words}`
}

const listeners = new Set<() => void>()
let current: Whereabouts | null = null

function read(): Whereabouts {
  current ??= parsePlace(location.hash)
  return current
}

function announce(): void {
  for (const listener of listeners) listener()
}

function followAddress(): void {
  current = parsePlace(location.hash)
  announce()
}

/** Goes somewhere: changes only what is given. `remember` makes it a step the Back button undoes. */
export function go(change: Partial<Whereabouts>, remember = false): void {
  const next = { ...read(), ...change }
  const address = location.pathname + location.search + writePlace(next)
  if (remember) history.pushState(null, '', address)
  else history.replaceState(null, '', address)
  current = next
  announce()
}

export function usePlace(): Whereabouts {
  return useSyncExternalStore((listener) => {
    if (listeners.size === 0) addEventListener('popstate', followAddress)
    if (listeners.size === 0) addEventListener('hashchange', followAddress)
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size > 0) return
      removeEventListener('popstate', followAddress)
      removeEventListener('hashchange', followAddress)
    }
  }, read)
}
