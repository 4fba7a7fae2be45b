/** Goes on to the next field (or back) as Tab does, where a list of options took the key for itself. */
import type { KeyboardEvent } from 'react'

const FIELDS = 'input, select, textarea, button, summary, [tabindex]'

/** For a form's onKeyDown: a list that is open takes its option at Tab and stays; who types goes on. */
export function goOnAtTab(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'Tab' || !event.defaultPrevented) return
  const fields = [...event.currentTarget.querySelectorAll<HTMLElement>(FIELDS)].filter(
    (field) => field.tabIndex >= 0 && !field.matches(':disabled') && field.checkVisibility(),
  )
  const at = fields.indexOf(document.activeElement as HTMLElement)
  if (at >= 0) fields[at + (event.shiftKey ? -1 : 1)]?.focus()
}
