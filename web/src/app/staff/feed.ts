import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue'
import { ApiError } from '@/protocol/http'
import type { Live } from '../live'
import { coalesce } from '../coalesce'

export interface Feed<T> {
  value: ShallowRef<T | null>
  error: ShallowRef<ApiError | null>
  /** What is shown may be old: the socket is down, or the last reading failed. Never shown as live. */
  stale: ComputedRef<boolean>
  refresh: () => void
}

const COALESCE_MS = 300
/** Announcements may be lost; the database repairs them at least this often. */
const REPAIR_MS = 30_000

/** Something that is read over REST and announced on topics of the socket: read again on every event and every reconnection. */
export function useFeed<T>(live: Live, read: () => Promise<T>, topics: (value: T) => readonly { topic: string; since: number | null }[]): Feed<T> {
  const value = shallowRef<T | null>(null)
  const error = shallowRef<ApiError | null>(null)
  const stops = new Map<string, () => void>()

  const reading = coalesce(async () => {
    try {
      const next = await read()
      value.value = next
      error.value = null
      listen(topics(next))
    } catch (cause) {
      error.value = ApiError.from(cause)
    }
  }, COALESCE_MS)

  function listen(all: readonly { topic: string; since: number | null }[]): void {
    const wanted = new Map(all.map((one) => [one.topic, one.since]))
    for (const [topic, stop] of stops) {
      if (wanted.has(topic)) continue
      stop()
      stops.delete(topic)
    }
    for (const [topic, since] of wanted) {
      if (stops.has(topic)) continue
      stops.set(topic, live.subscribe(topic, since, reading.run))
      // Without a number something may have happened between the reading and the subscription.
      if (since === null) reading.run()
    }
  }

  reading.run()
  watch(() => live.status.value.name, (name) => name === 'open' && reading.run())
  const timer = setInterval(reading.run, REPAIR_MS)
  onScopeDispose(() => {
    clearInterval(timer)
    reading.stop()
    for (const stop of stops.values()) stop()
  })
  return {
    value,
    error,
    stale: computed(() => live.status.value.name !== 'open' || error.value !== null),
    refresh: reading.run,
  }
}
