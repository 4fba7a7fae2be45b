/**
 * The live feed: one socket, opened again after every break, resuming by cursor.
 *
 * The server beats every five seconds, so silence means a dead line even when the socket looks open.
 */
import type { LiveMessage } from '../client/types'

/** `refused`: this session may not follow the feed at all; trying again would not help. */
export type Line = 'connecting' | 'live' | 'lost' | 'refused'

/** Close codes of the server: see the live feed's door. */
const NO_RIGHT = 4403
const TOO_MANY = 4429

const SILENCE_MS = 12_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 8_000

/** Wait before the next attempt: doubles up to eight seconds, spread so that consoles do not return as one. */
export function waitBefore(attempt: number, chance: number): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt)
  return wait * (0.75 + chance * 0.5)
}

export interface FeedEvents {
  cursor: () => string | null
  message: (message: LiveMessage) => void
  line: (line: Line) => void
  /** The socket closed before or after opening: is the session still good? */
  closed: () => void
}

export interface Feed {
  /** Tries again now instead of waiting. */
  retry: () => void
  stop: () => void
}

function address(): string {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:'
  return `${scheme}//${location.host}/api/live`
}

class Connection implements Feed {
  private socket: WebSocket | null = null
  private attempt = 0
  private wake: ReturnType<typeof setTimeout> | null = null
  private silence: ReturnType<typeof setTimeout> | null = null
  private ended = false
  private readonly events: FeedEvents

  constructor(events: FeedEvents) {
    this.events = events
    addEventListener('online', this.retry)
    document.addEventListener('visibilitychange', this.whenSeen)
    this.open()
  }

  readonly retry = (): void => {
    if (this.ended || this.socket !== null) return
    this.attempt = 0
    this.open()
  }

  readonly stop = (): void => {
    this.ended = true
    removeEventListener('online', this.retry)
    document.removeEventListener('visibilitychange', this.whenSeen)
    this.clearTimers()
    this.drop()
  }

  private readonly whenSeen = (): void => {
    if (document.visibilityState === 'visible') this.retry()
  }

  private open(): void {
    this.clearTimers()
    const socket = new WebSocket(address())
    this.socket = socket
    this.listenForSilence()
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ type: 'hello', cursor: this.events.cursor(), view: null }))
    })
    socket.addEventListener('message', (event: MessageEvent<string>) => {
      this.attempt = 0
      this.listenForSilence()
      this.events.line('live')
      this.events.message(JSON.parse(event.data) as LiveMessage)
    })
    socket.addEventListener('close', (event) => {
      if (this.socket !== socket) return
      if (event.code === NO_RIGHT || event.code === TOO_MANY) this.giveUp()
      else this.lose()
    })
  }

  private listenForSilence(): void {
    if (this.silence !== null) clearTimeout(this.silence)
    this.silence = setTimeout(() => this.lose(), SILENCE_MS)
  }

  private lose(): void {
    this.drop()
    this.clearTimers()
    if (this.ended) return
    this.events.line('lost')
    this.events.closed()
    this.wake = setTimeout(() => this.open(), waitBefore(this.attempt, Math.random()))
    this.attempt += 1
  }

  private giveUp(): void {
    this.stop()
    this.events.line('refused')
  }

  private drop(): void {
    const socket = this.socket
    this.socket = null
    socket?.close()
  }

  private clearTimers(): void {
    if (this.wake !== null) clearTimeout(this.wake)
    if (this.silence !== null) clearTimeout(this.silence)
    this.wake = null
    this.silence = null
  }
}

/** Opens the feed and keeps it open until `stop`. */
export function openFeed(events: FeedEvents): Feed {
  return new Connection(events)
}
