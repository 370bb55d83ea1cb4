// What a person asks of the room: as its host, or to speak again, or to be seen in stills, or to go.

import { Refusal } from '@/connection/driver'
import { ApiError } from '@/protocol/http'
import type { HostAct } from '@/protocol/live'
import type { Live } from '../live'

export interface Asks {
  host: (participant: string, act: HostAct) => Promise<void>
  askPicture: () => Promise<void>
  callOffPicture: () => Promise<void>
  /** Nobody is filmed any more; where that could not be written yet, it is said until it is. */
  stopRecording: () => Promise<void>
  /** Said when the socket is back, too: a button that shows an open microphone before a closed gate would lie. */
  speakAgain: () => void
  /** A still that nobody hears now is worth nothing later. */
  showStill: (jpeg: string) => Promise<void>
  leave: () => void
}

/** So long after it could not be written that a recording was stopped, it is said again. */
const AGAIN_MS = 3000

/** In no room nothing is asked. */
export function asksOf(command: Live['command'], roomOf: () => string | null): Asks {
  async function inRoom(ask: { type: 'host'; participant: string; act: HostAct } | { type: 'call_off_picture' } | { type: 'still'; jpeg: string } | { type: 'ask_picture'; of: 'tongue' }): Promise<void> {
    const room = roomOf()
    if (room !== null) await command({ ...ask, room })
  }
  /** The server stops the recording before it asks its database: without that answer it is stopped all the same. */
  async function stopRecording(room: string, patience: 'now' | 'queue'): Promise<void> {
    await command({ type: 'stop_recording', room }, { patience, key: 'stop_recording' }).catch((problem: unknown) => {
      if (!(problem instanceof Refusal && problem.problem.code === 'server.unavailable')) throw problem
      setTimeout(() => {
        if (roomOf() === room) void stopRecording(room, 'queue').catch(() => undefined)
      }, AGAIN_MS)
    })
  }
  return {
    host: (participant, act) =>
      inRoom({ type: 'host', participant, act }).catch((cause: unknown) => {
        // A room that is full, say: the host is told in words.
        throw cause instanceof Refusal ? new ApiError(cause.problem.code, 0, cause.problem.message) : cause
      }),
    askPicture: () => inRoom({ type: 'ask_picture', of: 'tongue' }),
    callOffPicture: () => inRoom({ type: 'call_off_picture' }),
    async stopRecording() {
      const room = roomOf()
      if (room !== null) await stopRecording(room, 'now')
    },
    showStill: (jpeg) => inRoom({ type: 'still', jpeg }),
    speakAgain() {
      const room = roomOf()
      if (room !== null) void command({ type: 'unmute', room }, { patience: 'queue', key: 'unmute' }).catch(() => undefined)
    },
    leave() {
      const room = roomOf()
      if (room !== null) void command({ type: 'leave', room }, { patience: 'queue' }).catch(() => undefined)
    },
  }
}
