/** What lies on this desk: the highlighted matter and unit, the open form, the point picked on the map. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react'
import { useSession } from '../identity/session'
import { go, usePlace } from '../ui/place'
import type { Draft } from './draft'
import { lay, useLeft } from './left'

interface Desk {
  /** The highlighted matter: the open one, else where the arrow keys are. */
  cursor: string | null
  unit: string | null
  intake: boolean
  dispatching: boolean
  /** The call being written down; kept when the form is closed. */
  draft: Draft
  setDraft: (change: (draft: Draft) => Draft) => void
  /** Who left the draft unsent when the desk was handed over; null: it is one's own. */
  leftBy: string | null
  point: (id: string) => void
  open: (id: string) => void
  close: () => void
  chooseUnit: (id: string | null) => void
  openIntake: () => void
  closeIntake: () => void
  setDispatching: (on: boolean) => void
}

const DeskContext = createContext<Desk | null>(null)

/** Opening, pointing at and closing matters: the address keeps which one is open. */
function useMatters(matter: string | null, setIntake: (on: boolean) => void) {
  const [pointed, setPointed] = useState<string | null>(null)
  const [dispatching, setDispatching] = useState(false)

  const open = useCallback(
    (id: string) => {
      setPointed(id)
      setIntake(false)
      setDispatching(false)
      go({ matter: id, tab: 'matter' }, true)
    },
    [setIntake],
  )

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

  const cursor = matter ?? pointed
  return useMemo(
    () => ({ cursor, dispatching, setDispatching, open, point, close }),
    [cursor, dispatching, open, point, close],
  )
}

/** The intake form and the call being written down in it. */
function useIntake() {
  const [intake, setIntake] = useState(false)
  const person = useSession().person.id
  const left = useLeft(person)
  const [draft, setDraft] = useState<Draft>(left.draft)
  useEffect(() => lay(draft, person), [draft, person])
  const leftBy = left.draft.id === draft.id ? left.by : null
  const openIntake = useCallback(() => {
    setIntake(true)
    go({ tab: 'matter' }, true)
  }, [])
  const closeIntake = useCallback(() => {
    setIntake(false)
    go({ tab: 'list' })
  }, [])
  return useMemo(
    () => ({ intake, setIntake, draft, setDraft, leftBy, openIntake, closeIntake }),
    [intake, draft, leftBy, openIntake, closeIntake],
  )
}

export function DeskProvider({ children }: { children: ReactNode }) {
  const { matter } = usePlace()
  const [unit, chooseUnit] = useState<string | null>(null)
  const intake = useIntake()
  const matters = useMatters(matter, intake.setIntake)
  const desk = useMemo<Desk>(() => ({ unit, chooseUnit, ...intake, ...matters }), [unit, intake, matters])
  return <DeskContext value={desk}>{children}</DeskContext>
}

export function useDesk(): Desk {
  const desk = useContext(DeskContext)
  if (desk === null) throw new Error('useDesk outside DeskProvider')
  return desk
}
