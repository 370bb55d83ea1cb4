// The media connection of a call, with the machine's clock and the socket behind it.

import { Refusal } from '@/connection/driver'
import { prefersH264 } from '@/media/codecs'
import { Peer } from '@/media/peer'
import type { MediaState } from '@/protocol/live'
import type { Live } from '../live'

/** Asked when the page is loaded: the first offer of a call does not wait for the answer. */
let h264First = false
void prefersH264().then((wish) => (h264First = wish))

/** Nobody hears the offer: the seat is not there any more, or its room is not. */
const UNKNOWN = new Set(['request.not_found', 'room.closed'])

export interface CallPeerOptions {
  command: Live['command']
  room: () => string
  iceServers: () => RTCIceServer[]
  /** Sections to receive in. */
  receive: { audio: number; video: number } | undefined
  media: (state: MediaState) => void
  changed: () => void
  /** Packets that came steadily do not: the socket may have gone the same way. */
  missed: () => void
  /** Packets come again after a pause: the socket may come back, too. */
  returned: () => void
  /** The server does not know this seat any more. */
  seatUnknown: () => void
  /** The browser takes no answer, however often. */
  failed: () => void
}

export function peerOf({ command, room, iceServers, receive, media, changed, missed, returned, seatUnknown, failed }: CallPeerOptions): Peer {
  return new Peer({
    make: () => new RTCPeerConnection({ bundlePolicy: 'max-bundle' }),
    iceServers,
    receive: receive ?? { audio: 3, video: 3 },
    h264First: () => h264First,
    async offer(offer) {
      try {
        await command({ type: 'offer', room: room(), ...offer })
      } catch (cause) {
        if (cause instanceof Refusal && UNKNOWN.has(cause.problem.code)) seatUnknown()
        throw cause
      }
    },
    state: media,
    changed,
    missed,
    returned,
    failed,
    unheard: (mids) => void command({ type: 'unheard', room: room(), mids }, { patience: 'queue', key: 'unheard' }).catch(() => undefined),
    now: () => Date.now(),
    setTimer: (act, ms) => window.setTimeout(act, ms),
    clearTimer: (timer) => window.clearTimeout(timer as number),
  })
}

/** Tests under a driven browser read the statistics of the connection. Nobody else's page has this. */
export function expose(peer: Peer): void {
  if (!navigator.webdriver) return
  Object.assign(window, {
    __yunzhen: {
      get pc() {
        return peer.connection
      },
    },
  })
}
