/** Who is signed in. An expired session asks again over the page, which keeps its place underneath. */
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react'
import { readSession, signOut } from '../client/api'
import { keepCsrf, onSessionLost, Refusal } from '../client/request'
import type { HandOver, Session } from '../client/types'
import { clearDesk } from '../command/left'
import { go, START } from '../ui/place'

/** `lost`: there was a session and the server no longer knows it. `failed`: the server did not answer. */
export type SessionState =
  | { step: 'asking' }
  | { step: 'out' }
  | { step: 'failed'; error: unknown }
  | { step: 'in'; session: Session }
  | { step: 'lost'; session: Session }

interface SessionDoor {
  state: SessionState
  enter: (session: Session) => void
  /** Somebody else takes this desk over: nothing of the one before stays but the place and a draft. */
  takeOver: (session: Session, handOver: HandOver) => void
  /** What was just handed over to whoever is here, until it was read. */
  handedOver: HandOver | null
  seen: () => void
  leave: () => Promise<void>
  ask: () => void
}

const SessionContext = createContext<SessionDoor | null>(null)

function afterAsking(error: unknown): SessionState {
  if (error instanceof Refusal && error.status === 401) return { step: 'out' }
  return { step: 'failed', error }
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<SessionState>({ step: 'asking' })
  const [handedOver, setHandedOver] = useState<HandOver | null>(null)
  const client = useQueryClient()

  const enter = useCallback(
    (session: Session) => {
      keepCsrf(session.csrf)
      setState((before) => {
        // Somebody else at the same desk starts from nothing; the same person finds everything as it was.
        if (before.step === 'lost' && before.session.person.id !== session.person.id) client.clear()
        return { step: 'in', session }
      })
      void client.invalidateQueries()
    },
    [client],
  )

  const takeOver = useCallback(
    (session: Session, handOver: HandOver) => {
      keepCsrf(session.csrf)
      client.clear()
      setHandedOver(handOver)
      setState({ step: 'in', session })
    },
    [client],
  )
  const seen = useCallback(() => setHandedOver(null), [])

  const ask = useCallback(() => {
    setState({ step: 'asking' })
    readSession().then(enter, (error: unknown) => setState(afterAsking(error)))
  }, [enter])

  const leave = useCallback(async () => {
    await signOut().catch((error: unknown) => {
      if (!(error instanceof Refusal && error.status === 401)) throw error
    })
    keepCsrf(null)
    client.clear()
    clearDesk()
    // What one person had open is no business of the next.
    go(START)
    setHandedOver(null)
    setState({ step: 'out' })
  }, [client])

  useEffect(() => {
    onSessionLost(() => {
      setState((now) => (now.step === 'in' ? { step: 'lost', session: now.session } : now))
    })
    ask()
  }, [ask])

  const door = useMemo(
    () => ({ state, enter, takeOver, handedOver, seen, leave, ask }),
    [state, enter, takeOver, handedOver, seen, leave, ask],
  )
  return <SessionContext value={door}>{children}</SessionContext>
}

export function useSessionDoor(): SessionDoor {
  const door = useContext(SessionContext)
  if (door === null) throw new Error('useSessionDoor outside SessionProvider')
  return door
}

/** The session of a page that is only shown to somebody signed in. */
export function useSession(): Session {
  const { state } = useSessionDoor()
  if (state.step === 'in' || state.step === 'lost') return state.session
  throw new Error('useSession while nobody is signed in')
}
