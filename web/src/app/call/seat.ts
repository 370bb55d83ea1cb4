// The own seat: how it is asked for, and asked for again.

import { Refusal } from '@/connection/driver'
import { ApiError } from '@/protocol/http'
import type { RoomGrant } from '@/protocol/types'
import type { Live } from '../live'

/** Refusals of a grant or a join after which asking again is useless. */
const OVER = new Set(['room.closed', 'visit.ended', 'auth.forbidden', 'request.not_found', 'ticket.state', 'room.full', 'auth.required', 'auth.session_ended', 'invitation.revoked'])
const RETRY_MS = 2_000

export interface SeatOptions {
  grant: () => Promise<RoomGrant>
  command: Live['command']
  /** The socket is closed for good: then nobody asks again. */
  isClosed: () => boolean
  /** An attempt begins. */
  asking: () => void
  /** A grant came. */
  entering: (grant: RoomGrant) => void
  /** The seat was taken again; the server knows nothing of the old media. */
  reentered: () => void
  /** Asking again is useless. */
  failed: (code: string) => void
}
export interface Seat {
  /** The room of the last grant: what is said of other rooms on the same socket is for others. */
  readonly wanted: string | null
  enter: () => Promise<boolean>
  reenter: () => Promise<void>
  /** The room broke at the server, and begins anew: in it or in front of its door. */
  begunAnew: (room: string | null) => void
  /** The socket is back. Whether the server kept the seat; if not, it is asked for again. */
  welcomed: (rooms: readonly string[], room: string | null, isAtDoor: boolean) => boolean
  /** What is still being asked for is no longer wanted. */
  stop: () => void
}

export function useSeat(options: SeatOptions): Seat {
  /** Grows with every attempt to enter: what an older one learns is no longer wanted. */
  let attempt = 0
  let wanted: string | null = null
  let isReentering = false
  /** How often the room broke under this call. */
  let broken = 0

  /** Gets a grant and takes the seat; asks again while there is hope. Whether this attempt took it. */
  async function enter(): Promise<boolean> {
    attempt += 1
    const mine = attempt
    options.asking()
    for (;;) {
      try {
        const grant = await options.grant()
        if (mine !== attempt) return false
        wanted = grant.room
        options.entering(grant)
        await options.command({ type: 'join', grant: grant.grant }, { patience: 'queue', key: 'join' })
        return mine === attempt
      } catch (cause) {
        if (mine !== attempt) return false
        const code = cause instanceof Refusal ? cause.problem.code : ApiError.from(cause).code
        if (OVER.has(code)) {
          options.failed(code)
          return false
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
        if (mine !== attempt || options.isClosed()) return false
      }
    }
  }

  /** Takes the seat again, with new media: a server that restarted knows nothing of the old connection. */
  async function reenter(): Promise<void> {
    if (isReentering) return
    isReentering = true
    if (await enter().finally(() => (isReentering = false))) options.reentered()
  }

  return {
    get wanted() {
      return wanted
    },
    enter,
    reenter,
    begunAnew(room) {
      const mine = attempt
      // At once; one that breaks again and again is not asked for faster and faster.
      const wait = broken === 0 ? 0 : RETRY_MS
      broken += 1
      setTimeout(() => {
        if (mine === attempt && !options.isClosed()) void (room === null ? enter() : reenter())
      }, wait)
    },
    welcomed(rooms, room, isAtDoor) {
      if (room !== null && rooms.includes(room)) return true
      if (room !== null) void reenter()
      // The server forgot who stood at its door: knock again.
      else if (isAtDoor && !rooms.includes(wanted ?? '')) void enter()
      return false
    },
    stop: () => void (attempt += 1),
  }
}
