/** One line at the foot of the page: what was just done or refused. Read out by screen readers. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react'

export interface Notice {
  text: string
  tone: 'fine' | 'now'
}

const SHOWN_MS = 12_000

const SayContext = createContext<(notice: Notice) => void>(() => undefined)
const NoticeContext = createContext<Notice | null>(null)

export function NoticeProvider({ children }: { children: ReactNode }) {
  const [notice, setNotice] = useState<Notice | null>(null)
  const say = useCallback((next: Notice) => setNotice(next), [])
  useEffect(() => {
    if (notice === null) return
    const timer = setTimeout(() => setNotice(null), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [notice])
  return (
    <SayContext value={say}>
      <NoticeContext value={notice}>{children}</NoticeContext>
    </SayContext>
  )
}

export function useSay(): (notice: Notice) => void {
  return useContext(SayContext)
}

export function NoticeLine() {
  const notice = useContext(NoticeContext)
  return (
    <output className={`notice ${notice?.tone ?? ''}`} aria-live="polite">
      {notice?.text ?? ''}
    </output>
  )
}
