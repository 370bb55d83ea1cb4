// The path of a connection through the networks: whether packets still come on it, and whether another one that is sought had time
// to come.

import { feel, marker, pause, unfelt, type Pulse } from './pulse'

/** A path that was sought is there within three times the way of the offer and its answer, and no less than this, or it is sought again:
 *  Chromium, which still believes in its old path, tries a new one only with its next check, twice a second. */
export const SOUGHT_MS = 600
/** Where the browser has no address to try, it is soon asked again whether it has one now. */
export const BARREN_MS = 200

export interface PathOptions {
  /** Another path is under way already: none is sought beside it. */
  isSought: () => boolean
  /** A network that bears no picture loses packets and sockets all the time, and another search would fill it. */
  isPictured: () => boolean
  /** Packets that came steadily are missed. */
  missed: () => void
  /** They are missed for so long that another path is to be sought. */
  astray: () => void
  /** It was felt once more whether packets come. */
  felt: (pc: RTCPeerConnection) => void
  /** Packets come again after a silence. */
  returned: () => void
  now: () => number
  setTimer: (act: () => void, ms: number) => unknown
  clearTimer: (timer: unknown) => void
}

export class Path {
  readonly #options: PathOptions
  #pulse: Pulse = unfelt
  #looking: unknown = null
  /** The socket was lost since packets came last: it is the own network. */
  #isAstray = false
  /** When the last offer was said, and when it was answered. */
  #said = { at: 0, answered: 0 }
  /** Another path is sought and was not agreed on; when it got its last address. */
  #search = { isOpen: false, found: 0 }

  constructor(options: PathOptions) {
    this.#options = options
  }

  /** Looks for another one with the next offer, while the old one may still carry what is said. */
  seek(pc: RTCPeerConnection): void {
    // What the server has not answered is still sought, and takes every network that comes meanwhile.
    if (this.#search.isOpen && pc.signalingState === 'have-local-offer' && !this.#isBarren(pc)) return
    this.#search = { isOpen: true, found: 0 }
    pc.restartIce()
  }

  /** The browser found an address to try. */
  found(candidate: RTCIceCandidate | null): void {
    // Of TCP alone a browser names addresses that it has no more.
    if (candidate?.protocol === 'udp') this.#search.found = this.#options.now()
  }

  offered(): void {
    this.#said.at = this.#options.now()
  }

  agreed(): void {
    this.#said.answered = this.#options.now()
    this.#search.isOpen = false
  }

  /** The socket is lost: should packets be missed now, too, it is the own network. */
  unlinked(): void {
    this.#isAstray = true
  }

  /** Feels whether packets still come, for as long as this connection lives. */
  watch(pc: RTCPeerConnection): void {
    if (this.#looking !== null || typeof pc.getReceivers !== 'function') return
    const { isSought, isPictured, missed, astray, felt, returned, now, setTimer } = this.#options
    this.#pulse = unfelt
    const markOf = marker(pc)
    const look = (): void => {
      const { pulse, suspects, doubts, returns } = feel(this.#pulse, markOf(), now(), { isOwn: this.#isAstray && isPictured(), isSought: isSought() || !this.#hadTime(pc) })
      this.#pulse = pulse
      if (pulse.quiet === 0) this.#isAstray = false
      if (suspects) missed()
      if (doubts) astray()
      if (returns) returned()
      felt(pc)
      this.#looking = setTimer(look, pause(pulse))
    }
    look()
  }

  stop(): void {
    if (this.#looking !== null) this.#options.clearTimer(this.#looking)
    this.#looking = null
  }

  /** Whether the path that was sought last had time to come. */
  #hadTime(pc: RTCPeerConnection): boolean {
    const { at, answered } = this.#said
    const least = this.#isBarren(pc) ? BARREN_MS : SOUGHT_MS
    return this.#options.now() - Math.max(answered, this.#search.found) >= Math.max(least, 3 * (answered - at))
  }

  /** The browser looked for addresses of its own, and found none. */
  #isBarren(pc: RTCPeerConnection): boolean {
    return this.#search.found === 0 && pc.iceGatheringState === 'complete'
  }
}
