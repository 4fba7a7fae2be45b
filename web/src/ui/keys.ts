/** Keyboard: one listener, one table of keys; nothing fires while somebody types. */
import { useEffect, useRef } from 'react'

export type KeyTable = Partial<Record<string, () => void>>

/** Keys which work even from inside a field: they are never part of a text. */
const ALWAYS = new Set(['Escape', 'F2', 'F4'])

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)
}

/** A pressed button or link must keep its own Enter and Space. */
function isOwnKey(event: KeyboardEvent): boolean {
  if (!(event.target instanceof HTMLElement)) return false
  const operable = event.target.closest('button, a, summary, [role="option"]') !== null
  return operable && (event.key === 'Enter' || event.key === ' ')
}

/** Binds keys (as `KeyboardEvent.key`) to actions for as long as the component is shown. */
export function useKeys(table: KeyTable, active = true): void {
  const latest = useRef(table)
  useEffect(() => {
    latest.current = table
  })
  useEffect(() => {
    if (!active) return
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
      if (event.isComposing || isOwnKey(event)) return
      // A modal dialog has the keyboard to itself.
      if (document.querySelector('dialog[open]') !== null) return
      if (isTyping(event.target) && !ALWAYS.has(event.key)) return
      const action = latest.current[event.key]
      if (action === undefined) return
      event.preventDefault()
      action()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [active])
}
