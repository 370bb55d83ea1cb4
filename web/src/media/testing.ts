// What the tests of a call's media share.

import { vi } from 'vitest'
import type { MediaState } from '@/protocol/live'
import { Peer, type Offer, type PeerOptions } from './peer'

/** A connection that goes nowhere, and tells what was asked of it. */
export class FakePc {
  static made: FakePc[] = []
  sections: { kind: string; direction: string; mid: string | null; receiver: { track: { id: string; kind: string } }; sender: { replaceTrack: ReturnType<typeof vi.fn> }; stop: () => void }[] = []
  #named = 0
  connectionState = 'new'
  signalingState = 'stable'
  localDescription: { sdp: string } | null = null
  currentLocalDescription: { sdp: string } | null = null
  iceGatheringState = 'gathering'
  onicecandidate: ((event: { candidate: { protocol: string } | null }) => void) | null = null
  onconnectionstatechange: (() => void) | null = null
  oniceconnectionstatechange: (() => void) | null = null
  ontrack: (() => void) | null = null
  restartIce = vi.fn()
  close = vi.fn()
  rejectAnswers = false
  constructor() {
    FakePc.made.push(this)
  }
  addTransceiver(what: string | { kind: string }, { direction }: { direction: string }) {
    const kind = typeof what === 'string' ? what : what.kind
    const section: FakePc['sections'][number] = {
      kind, direction, mid: null, receiver: { track: { id: String(this.sections.length), kind } }, sender: { replaceTrack: vi.fn(() => Promise.resolve()) },
      stop: () => void (this.sections = this.sections.filter((one) => one !== section)),
    }
    this.sections.push(section)
    return section
  }
  getTransceivers() {
    return this.sections
  }
  createOffer() {
    return Promise.resolve({ type: 'offer', sdp: `offer with ${this.sections.length}` })
  }
  setLocalDescription(description: { type: string; sdp: string }) {
    if (description.type === 'rollback') {
      this.signalingState = 'stable'
      for (const section of this.sections.slice(this.#named)) section.mid = null
      return Promise.resolve()
    }
    for (const [place, section] of this.sections.entries()) section.mid = String(place)
    this.localDescription = description
    this.signalingState = 'have-local-offer'
    return Promise.resolve()
  }
  taken: string[] = []
  setRemoteDescription({ sdp }: { sdp: string }) {
    if (this.rejectAnswers) return Promise.reject(new Error('bad'))
    this.taken.push(sdp)
    this.signalingState = 'stable'
    this.#named = this.sections.filter((one) => one.mid !== null).length
    this.currentLocalDescription = this.localDescription
    return Promise.resolve()
  }
  become(state: string) {
    this.connectionState = state
    this.onconnectionstatechange?.()
  }
}

/** What the peer under test offered, and what it said of its connection. */
export const offers: Offer[] = []
export const states: MediaState[] = []
/** The connection that was made last. */
export const pc = (): FakePc => FakePc.made.at(-1)!
export const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

/** A peer before anything was offered; nothing is known of the one before. */
export function newPeer(more: Partial<PeerOptions> = {}): Peer {
  FakePc.made = []
  offers.length = states.length = 0
  return new Peer({
    make: () => new FakePc() as unknown as RTCPeerConnection,
    receive: { audio: 3, video: 3 },
    offer: (offer) => Promise.resolve(void offers.push(offer)),
    state: (state) => void states.push(state),
    changed: () => undefined,
    now: () => Date.now(),
    setTimer: (act, ms) => setTimeout(act, ms),
    clearTimer: (timer) => clearTimeout(timer as number),
    ...more,
  })
}

/** A peer whose first offer is out. */
export async function begun(more: Partial<PeerOptions> = {}): Promise<Peer> {
  vi.useFakeTimers()
  const peer = newPeer(more)
  peer.begin()
  await settle()
  return peer
}

/** The last offer gets its answer. */
export async function answered(peer: Peer, sdp = 'answer'): Promise<void> {
  await settle()
  await peer.answer(offers.at(-1)!.offer_id, sdp)
}
