/** The 30-second counter of breaths. A value: the screen only shows it and tells it the time. */
export const BREATH_SECONDS = 30

export type Breath =
  | { state: 'idle' }
  | { state: 'counting'; startedAt: number; taps: readonly number[] }
  | { state: 'done'; perMinute: number; taps: number }

/** Two taps nearer than this are one tremor, not two breaths. */
const BOUNCE_MS = 250

export function tap(breath: Breath, now: number): Breath {
  if (breath.state !== 'counting') return breath
  const last = breath.taps.at(-1)
  if (last !== undefined && now - last < BOUNCE_MS) return breath
  return { ...breath, taps: [...breath.taps, now] }
}

export function tick(breath: Breath, now: number): Breath {
  if (breath.state !== 'counting' || now - breath.startedAt < BREATH_SECONDS * 1000) return breath
  return { state: 'done', perMinute: breath.taps.length * (60 / BREATH_SECONDS), taps: breath.taps.length }
}

export function secondsLeft(breath: Breath, now: number): number {
  return breath.state === 'counting' ? Math.max(0, Math.ceil(BREATH_SECONDS - (now - breath.startedAt) / 1000)) : BREATH_SECONDS
}
