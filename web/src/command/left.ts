/** The call somebody was writing down when the desk was handed over: it stays on the desk, with a name on it. */
import { useState } from 'react'
import type { Draft } from './draft'

export interface Left {
  draft: Draft
  by: string
}

let lying: Draft | null = null

/** What lies on the desk now. An empty draft is nothing. */
export function lay(draft: Draft): void {
  lying = draft.id === '' ? null : draft
}

/** What the one before left; only at a hand-over: whoever signs in otherwise finds a clean desk. */
export function takeLeft(by: string | null): Left | null {
  const draft = lying
  lying = null
  return by !== null && draft !== null ? { draft, by } : null
}

/** Looked at once, when the desk is set up. */
export function useLeft(by: string | null): Left | null {
  return useState(() => takeLeft(by))[0]
}
