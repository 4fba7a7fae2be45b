/**
 * The call somebody is writing down. It stays while another page is opened, and when the desk is handed over,
 * then with a name on it. In memory only: it holds what a caller said.
 */
import { useEffect, useState } from 'react'
import { BLANK_DRAFT, type Draft } from './draft'

interface Left {
  draft: Draft
  by: string
  /** The person it was left to: whoever else signs in finds a clean desk. */
  to: string
}

/** What lies on the desk now, and whose it is. */
let lying: { draft: Draft; of: string } | null = null
let left: Left | null = null

/** An empty draft is nothing. */
export function lay(draft: Draft, of: string): void {
  lying = draft.id === '' ? null : { draft, of }
}

/** Who signs out takes nothing with them and leaves nothing. */
export function clearDesk(): void {
  lying = null
  left = null
}

/** Called before anything on the page changes hands. */
export function leaveBehind(by: string, to: string): void {
  left = lying === null ? null : { draft: lying.draft, by, to }
}

/** A person's desk as it is set up: what was left to them, looked at once, else what they had begun. */
export function useLeft(person: string): { draft: Draft; by: string | null } {
  const [found] = useState(() => {
    if (left?.to === person) return left
    return { draft: lying?.of === person ? lying.draft : BLANK_DRAFT, by: null }
  })
  useEffect(() => {
    if (found === left) left = null
  }, [found])
  return found
}
