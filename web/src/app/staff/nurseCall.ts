// A nurse's call to a waiting patient, as the nurse reads it: it rings, was answered, or nobody comes.

import type { CallState } from '@/room/state'
import { others } from '@/room/selectors'

/** A telephone rings for as long as a minute before it is said that nobody answers. It goes on ringing: the page is open. */
export const RINGS_MS = 60_000

export type NurseCall =
  /** The page is not open: nothing can ring. */
  | { name: 'offline' }
  | { name: 'ringing' | 'unanswered'; seconds: number }
  | { name: 'answered' }
  /** Answered, and gone again. */
  | { name: 'left' }

/** What is told of a call that was begun at `since`; `state` is the room's, once there is one. */
export function nurseCall(state: CallState | null, { since, now, online, answered }: { since: number; now: number; online: boolean; answered: boolean }): NurseCall {
  if (state !== null && isAnswered(state)) return { name: 'answered' }
  if (answered) return { name: 'left' }
  if (!online) return { name: 'offline' }
  const seconds = Math.max(0, Math.floor((now - since) / 1000))
  return { name: seconds * 1000 < RINGS_MS ? 'ringing' : 'unanswered', seconds }
}

/** The patient is in the room, or has a seat there and the line is broken. */
export function isAnswered(state: CallState): boolean {
  return others(state).some((one) => one.role === 'patient')
}
