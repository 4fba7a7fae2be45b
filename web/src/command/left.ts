/** The call somebody was writing down when the desk was handed over: it stays on the desk, with a name on it. */
import { useEffect, useState } from 'react'
import type { Draft } from './draft'

interface Left {
  draft: Draft
  by: string
  /** The person it was left to: whoever else signs in finds a clean desk. */
  to: string
}

let lying: Draft | null = null
let left: Left | null = null

/** What lies on the desk now. An empty draft is nothing. */
export function lay(draft: Draft): void {
  lying = draft.id === '' ? null : draft
}

/** Called before anything on the page changes hands. */
export function leaveBehind(by: string, to: string): void {
  left = lying === null ? null : { draft: lying, by, to }
}

/** What was left to a person, looked at once, when the desk is set up. */
export function useLeft(person: string): Left | null {
  const [found] = useState(() => (left?.to === person ? left : null))
  useEffect(() => {
    if (found === left) left = null
  }, [found])
  return found
}
