// When to restart ICE and when to begin anew, as a value. Measured: most black holes end by themselves within three seconds.

export const PATIENCE_MS = 2_500
export const RESTARTS_MS = [0, 2_000, 4_000, 8_000] as const
export const FRESH_MS = 15_000

export type IceState = 'connecting' | 'connected' | 'disconnected' | 'failed'
export type Cure = 'restart' | 'fresh' | null

export interface Recovery {
  state: IceState
  /** Since when there has been no connection, while the socket could help. */
  since: number | null
  /** The next restart. */
  restartAt: number | null
  /** How many restarts in this trouble. */
  restarts: number
  /** Without the socket nothing can be offered. */
  linked: boolean
}

export function newRecovery(now: number): Recovery {
  return { state: 'connecting', since: now, restartAt: null, restarts: 0, linked: true }
}

export function nextDeadline(recovery: Recovery): number | null {
  if (!recovery.linked || recovery.since === null) return null
  return Math.min(recovery.restartAt ?? Infinity, recovery.since + FRESH_MS)
}

export function observe(recovery: Recovery, state: IceState, now: number): Recovery {
  if (state === 'connected') return { ...recovery, state, since: null, restartAt: null, restarts: 0 }
  const since = recovery.since ?? now
  if (state === 'connecting') return { ...recovery, state, since }
  if (state === 'disconnected') return { ...recovery, state, since, restartAt: recovery.restartAt ?? (recovery.restarts === 0 ? now + PATIENCE_MS : null) }
  return { ...recovery, state, since, restartAt: Math.min(recovery.restartAt ?? Infinity, now + (RESTARTS_MS[recovery.restarts] ?? FRESH_MS)) }
}

/** The socket went or came. Back again, a broken connection is mended at once: the waiting was done already. */
export function relink(recovery: Recovery, linked: boolean, now: number): Recovery {
  if (!linked) return { ...recovery, linked }
  if (recovery.since === null) return { ...recovery, linked }
  return { ...recovery, linked, since: now, restarts: 0, restartAt: now }
}

export function due(recovery: Recovery, now: number): { recovery: Recovery; cure: Cure } {
  if (!recovery.linked || recovery.since === null) return { recovery, cure: null }
  if (now >= recovery.since + FRESH_MS) return { recovery: { ...recovery, since: now, restartAt: null, restarts: 0 }, cure: 'fresh' }
  if (recovery.restartAt !== null && now >= recovery.restartAt) {
    const restarts = recovery.restarts + 1
    const wait = RESTARTS_MS[restarts]
    return { recovery: { ...recovery, restarts, restartAt: wait === undefined ? null : now + wait }, cure: 'restart' }
  }
  return { recovery, cure: null }
}
