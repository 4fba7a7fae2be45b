/** The plain page before the board: sign-in and first administrator stand in the same frame. */
import type { ReactNode } from 'react'
import { LanguageSwitch, ThemeSwitch } from '../ui/switches'

interface GateProps {
  title: string
  lead: string
  children: ReactNode
}

export function Gate({ title, lead, children }: GateProps) {
  return (
    <div className="gate">
      <main className="gate-sheet">
        <div className="gate-name">
          <Mark />
          <span>集结</span>
          <span className="quiet">Muster</span>
        </div>
        <h1>{title}</h1>
        {lead === '' ? null : <p className="quiet">{lead}</p>}
        {children}
      </main>
      <footer className="gate-foot">
        <LanguageSwitch />
        <ThemeSwitch />
      </footer>
    </div>
  )
}

/** The flag that stands for the platform. */
export function Mark() {
  return (
    <svg width="20" height="20" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="4" fill="var(--accent)" />
      <path d="M8 24V7h2v2h14l-3.5 5 3.5 5H10v5z" fill="var(--onAccent)" />
    </svg>
  )
}
