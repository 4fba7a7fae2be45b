/**
 * The server's clock, as this page knows it.
 *
 * A simulated folder's clock may run sixty times as fast or stand still until driven, so the browser's
 * own clock says nothing about ages: each server time seen sets the clock, the city's speed carries it on.
 */
import { useSyncExternalStore } from 'react'

interface Setting {
  server: number
  local: number
  speed: number
}

let setting: Setting = { server: Date.now(), local: performance.now(), speed: 1 }
let second = 0
const listeners = new Set<() => void>()

/** The present moment at the server, epoch ms. */
export function serverNow(): number {
  return setting.server + (performance.now() - setting.local) * setting.speed
}

/** Sets the clock to a moment the server has just named. */
export function setServerClock(now: number, speed: number = setting.speed): void {
  setting = { server: now, local: performance.now(), speed }
}

function tick(): void {
  second = Math.floor(serverNow() / 1000) * 1000
  for (const listener of listeners) listener()
}

let timer: ReturnType<typeof setInterval> | null = null

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(tick, 1000)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer)
      timer = null
    }
  }
}

/** The server's time in whole seconds (epoch ms); the component is drawn again once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => {
    if (timer === null || second === 0) second = Math.floor(serverNow() / 1000) * 1000
    return second
  })
}
