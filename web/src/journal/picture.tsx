/** The live picture for the components: the folded feed, the state of the line, one subscription each. */
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { readSession } from '../client/api'
import type { LiveMessage } from '../client/types'
import { setServerClock } from '../ui/clock'
import { type Feed, type Line, openFeed } from './feed'
import { applyLive, type LiveState, NOTHING_YET } from './live'

export interface Picture {
  live: LiveState
  line: Line
  /** When the line broke (browser clock, epoch ms); null while it holds. */
  lostAt: number | null
  /** When the last word of the server was heard (server clock, epoch ms). */
  heardAt: number | null
  /** Matters in the latest change: their rows fade once from a tint. */
  changed: ReadonlySet<string>
}

const NOBODY: ReadonlySet<string> = new Set()
/** As long as a changed row takes to fade; afterwards nothing is "just changed" any more. */
const FADE_MS = 2_000
const BLANK: Picture = { live: NOTHING_YET, line: 'connecting', lostAt: null, heardAt: null, changed: NOBODY }

class PictureStore {
  private picture = BLANK
  private readonly listeners = new Set<() => void>()
  private feed: Feed | null = null
  private fading: ReturnType<typeof setTimeout> | null = null

  readonly read = (): Picture => this.picture

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly retry = (): void => this.feed?.retry()

  start(): void {
    this.feed = openFeed({
      cursor: () => this.picture.live.cursor,
      message: (message) => this.take(message),
      line: (line) => this.setLine(line),
      closed: () => void readSession().catch(() => undefined),
    })
  }

  stop(): void {
    this.feed?.stop()
    this.feed = null
    this.picture = BLANK
  }

  private take(message: LiveMessage): void {
    const { live } = this.picture
    const now = 'now' in message ? Date.parse(message.now) : null
    if (now !== null) setServerClock(now)
    this.put({ live: applyLive(live, message), ...(now === null ? {} : { heardAt: now }) })
    if (message.type === 'changes' && message.incidents.length > 0) {
      this.mark(message.incidents.map((row) => row.id))
    }
  }

  private mark(ids: string[]): void {
    this.put({ changed: new Set(ids) })
    if (this.fading !== null) clearTimeout(this.fading)
    this.fading = setTimeout(() => this.put({ changed: NOBODY }), FADE_MS)
  }

  private setLine(line: Line): void {
    if (line === this.picture.line) return
    const lostAt = line === 'lost' ? (this.picture.lostAt ?? Date.now()) : null
    this.put({ line, lostAt })
  }

  private put(change: Partial<Picture>): void {
    this.picture = { ...this.picture, ...change }
    for (const listener of this.listeners) listener()
  }
}

const PictureContext = createContext<PictureStore | null>(null)

/** Opens the feed for as long as it is shown. */
export function PictureProvider({ children }: { children: ReactNode }) {
  const [store] = useState(() => new PictureStore())
  useEffect(() => {
    store.start()
    return () => store.stop()
  }, [store])
  return <PictureContext value={store}>{children}</PictureContext>
}

function useStore(): PictureStore {
  const store = useContext(PictureContext)
  if (store === null) throw new Error('usePicture outside PictureProvider')
  return store
}

/** One part of the picture; the component is drawn again only when that part is another value. */
export function usePicture<T>(pick: (picture: Picture) => T): T {
  const store = useStore()
  return useSyncExternalStore(store.subscribe, () => pick(store.read()))
}

export function useRetry(): () => void {
  return useStore().retry
}
