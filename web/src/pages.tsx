/** The pages beside the board: who sees them in the menu, and their code, fetched when opened. */
import { type ComponentType, lazy, type LazyExoticComponent } from 'react'
import type { PageName } from './ui/place'

interface Page {
  name: PageName
  /** Roles that find it in their menu; null: everybody. The server decides what they may read. */
  roles: readonly string[] | null
  Body: LazyExoticComponent<ComponentType>
}

export const PAGES: readonly Page[] = [
  { name: 'security', roles: null, Body: lazy(() => import('./identity/security-page')) },
  { name: 'tokens', roles: ['administrator'], Body: lazy(() => import('./identity/tokens-page')) },
  { name: 'access', roles: ['auditor'], Body: lazy(() => import('./review/access-page')) },
  { name: 'retention', roles: ['duty_chief', 'station_room', 'auditor'], Body: lazy(() => import('./review/retention-page')) },
]
