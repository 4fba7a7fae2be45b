/** The codes of the access log, in the order an auditor looks for them. */
export const WHATS = [
  'matter.opened',
  'caller.unmasked',
  'track.opened',
  'lookup.phone',
  'people.read',
  'audit.read',
  'access_log.read',
  'oversight.read',
  'retention.read',
  'export',
  'backup',
  'list',
  'change',
] as const

export const OUTCOMES = ['shown', 'masked', 'empty', 'denied'] as const

export const WHYS = [
  'no_task',
  'own_area',
  'order',
  'area_duty',
  'callback_due',
  'review_sample',
  'asked_in',
  'reported_it',
  'analysis',
  'role',
] as const

export const REVIEWS = ['proper', 'to_ask', 'improper'] as const
export type ReviewOutcome = (typeof REVIEWS)[number]
