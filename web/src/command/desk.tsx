/** What lies on this desk: the highlighted matter and unit, the open form, the point picked on the map. */
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react'
import { go, usePlace } from '../ui/place'
import { BLANK_DRAFT, type Draft } from './draft'

interface Desk {
  /** The highlighted matter: the open one, else where the arrow keys are. */
  cursor: string | null
  unit: string | null
  intake: boolean
  dispatching: boolean
  /** The call being written down; kept when the form is closed. */
  draft: Draft
  setDraft: (change: (draft: Draft) => Draft) => void
  point: (id: string) => void
  open: (id: string) => void
  close: () => void
  chooseUnit: (id: string | null) => void
  openIntake: () => void
  closeIntake: () => void
  setDispatching: (on: boolean) => void
}

const DeskContext = createContext<Desk | null>(null)

export function DeskProvider({ children }: { children: ReactNode }) {
  const { matter } = usePlace()
  const [pointed, setPointed] = useState<string | null>(null)
  const [unit, chooseUnit] = useState<string | null>(null)
  const [intake, setIntake] = useState(false)
  const [dispatching, setDispatching] = useState(false)
  const [draft, setDraft] = useState<Draft>(BLANK_DRAFT)

  const open = useCallback((id: string) => {
    setPointed(id)
    setIntake(false)
    setDispatching(false)
    go({ matter: id, tab: 'matter' }, true)
  }, [])

  /** The arrows move the highlight; an open panel follows it. */
  const point = useCallback(
    (id: string) => {
      setPointed(id)
      setDispatching(false)
      if (matter !== null) go({ matter: id })
    },
    [matter],
  )

  const close = useCallback(() => {
    setDispatching(false)
    if (matter === null) return setPointed(null)
    go({ matter: null, tab: 'list' })
  }, [matter])

  const openIntake = useCallback(() => {
    setIntake(true)
    go({ tab: 'matter' }, true)
  }, [])

  const closeIntake = useCallback(() => {
    setIntake(false)
    go({ tab: 'list' })
  }, [])

  const desk = useMemo<Desk>(
    () => ({
      cursor: matter ?? pointed,
      unit,
      intake,
      dispatching,
      draft,
      setDraft,
      point,
      open,
      close,
      chooseUnit,
      openIntake,
      closeIntake,
      setDispatching,
    }),
    [matter, pointed, unit, intake, dispatching, draft, point, open, close, openIntake, closeIntake],
  )
  return <DeskContext value={desk}>{children}</DeskContext>
}

export function useDesk(): Desk {
  const desk = useContext(DeskContext)
  if (desk === null) throw new Error('useDesk outside DeskProvider')
  return desk
}
