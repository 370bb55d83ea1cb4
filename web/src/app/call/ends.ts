// How the server says that a room is over, and what that is to whoever sits in front of the page.

import type { EndedRoom, RoomEnd } from '@/protocol/live'
import type { EndReason } from '@/room/state'

export type Ending = { reason: EndReason; problem: string | null }

/** What is shown; `null`: nothing is over, the room begins anew and is entered again. */
export function endingOf(reason: RoomEnd): Ending | null {
  if (reason === 'broken') return null
  return reason === 'full' ? { reason: 'refused', problem: 'room.full' } : { reason, problem: null }
}

/** Why the own seat is no more, where the server knows: whoever slept while another window took it does not take it back. */
export function endWhileAway(own: string | null, kept: readonly string[], ended: readonly EndedRoom[]): RoomEnd | null {
  if (own === null || kept.includes(own)) return null
  return ended.find((one) => one.room === own)?.reason ?? null
}
