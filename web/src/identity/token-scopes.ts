/** What a token may be used for, and how people call it. */
import { useTranslation } from 'react-i18next'
import type { TokenScope } from '../client/types'

export const SCOPES: readonly TokenScope[] = [
  'positions:report',
  'alarms:report',
  'telephone:notify',
  'read:units',
  'read:positions',
  'read:summary',
  'read:incidents',
  'metrics',
]

export function useScopeName(): (scope: string) => string {
  const { t } = useTranslation()
  const names: Record<string, string> = {
    'positions:report': t('tokens.scope.report'),
    'alarms:report': t('tokens.scope.alarms'),
    'telephone:notify': t('tokens.scope.telephone'),
    'read:units': t('tokens.scope.units'),
    'read:positions': t('tokens.scope.positions'),
    'read:summary': t('tokens.scope.summary'),
    'read:incidents': t('tokens.scope.incidents'),
    metrics: t('tokens.scope.metrics'),
  }
  return (scope) => names[scope] ?? scope
}
