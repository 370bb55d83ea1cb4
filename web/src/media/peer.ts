// The one RTCPeerConnection of a participant. Only this side offers: own sections first, then sections to receive in.
// One offer is in flight at a time; an answer to another one is dropped.

import type { MediaKind, MediaState } from '@/protocol/live'
import { asksForSoundAgain, inPacketsOf } from './description'
import { BUDGET, type Budget } from './ladder'
import { Path } from './path'
import { due, newRecovery, nextDeadline, observe, relink, type IceState, type Recovery } from './recovery'
import { Refusals } from './refusals'
import { NONE, Sections, type Count, type Forgone } from './sections'
import { Unheard } from './unheard'

/** An offer without an answer for so long is said again. */
export const ANSWER_MS = 5_000

export interface Offer {
  offer_id: number
  fresh: boolean
  sdp: string
}
export interface PeerOptions {
  make: () => RTCPeerConnection
  /** TURN servers of the last grant; they change with every hour. */
  iceServers?: () => RTCIceServer[]
  /** Sections to receive in. */
  receive: Count
  /** The camera would rather speak H.264; the answer says whether it may. */
  h264First?: () => boolean
  /** Says the offer; rejects when it could not be said or was refused. */
  offer: (offer: Offer) => Promise<void>
  state: (state: MediaState) => void
  /** Packets that came steadily are missed: whoever went the same way may have lost it, too. */
  missed?: () => void
  /** The browser takes no answer, on however many connections. */
  failed?: () => void
  /** Packets come again after a silence: the network is back, before anybody else knows. */
  returned?: () => void
  /** Of these sections, and of no others, nothing comes any more. */
  unheard?: (mids: string[]) => void
  /** Sections or their tracks changed. */
  changed: () => void
  now: () => number
  setTimer: (act: () => void, ms: number) => unknown
  clearTimer: (timer: unknown) => void
}

/** Grows with every offer of this page. A page that was loaded anew goes on where none before it was: an answer that is still under
 *  way to the old one is not taken for its own. */
let lastOffer = Date.now()
/** What the server never heard of, nor answers. */
const NO_OFFER = 0

export class Peer {
  readonly #options: PeerOptions
  #pc: RTCPeerConnection | null = null
  readonly #sections: Sections
  readonly #path: Path
  #flight: { id: number; timer: unknown; asked: Count } | null = null
  #answered = false
  /** The last answer as it came, and the milliseconds of sound in a packet that it was taken with. */
  #taken = { sdp: '', audioMs: BUDGET.full.audioMs }
  /** Built, and nothing offered yet. */
  #prepared = false
  #again = false
  #recovery: Recovery
  #timer: unknown = null
  /** Answers that the browser did not take, and the next connection after them. */
  readonly #refusals = new Refusals()
  #anew: unknown = null
  readonly #unheard = new Unheard()
  #closed = false

  constructor(options: PeerOptions) {
    this.#options = options
    this.#sections = new Sections(options)
    this.#path = new Path({
      ...options,
      isSought: () => this.#recovery.state !== 'connected' || this.#flight !== null,
      isPictured: () => this.#sections.budget?.video !== null,
      missed: () => options.missed?.(),
      astray: () => this.moved(),
      felt: (pc) => this.#listen(pc),
      returned: () => options.returned?.(),
    })
    this.#recovery = newRecovery(options.now())
  }

  get connection(): RTCPeerConnection | null {
    return this.#pc
  }

  /** Nobody watches the own camera: the relay let it rest. */
  get rests(): boolean {
    return this.#sections.isUnwatched
  }

  /** Builds the first connection while the seat is still asked for: that takes a browser a while. */
  prepare(): void {
    if (this.#closed || this.#pc) return
    this.#build()
    this.#prepared = true
  }

  /** A new connection in the same seat: at the beginning, and when nothing else helps. */
  begin(): void {
    if (this.#closed) return
    const isBuilt = this.#prepared
    if (!isBuilt) this.#tearDown()
    this.#prepared = false
    this.#recovery = { ...newRecovery(this.#options.now()), linked: this.#recovery.linked }
    if (!isBuilt) this.#build()
    this.relay()
    this.#options.state('connecting')
    this.#options.changed()
    this.#arm()
    void this.#negotiate()
  }

  /** Sends the screen in a section of its own. `false` when there is no room for one. */
  setScreen(track: MediaStreamTrack | null): boolean {
    const done = this.#sections.setScreen(track)
    if (done === 'added') void this.#negotiate()
    return done !== 'full'
  }

  /** Takes the newest TURN servers: they are used when candidates are gathered next. */
  relay(): void {
    const pc = this.#pc
    const iceServers = this.#options.iceServers?.()
    if (!pc || !iceServers || typeof pc.setConfiguration !== 'function') return
    try {
      pc.setConfiguration({ ...pc.getConfiguration(), iceServers })
    } catch {
      // Without them the direct way is left.
    }
  }

  /** Sends this track, or nothing. Needs no offer. */
  setTrack(kind: MediaKind, track: MediaStreamTrack | null): void {
    this.#sections.setTrack(kind, track)
  }

  /** Somebody watches these layers of an own section, and no others. */
  setLayers(mid: string, layers: readonly number[]): void {
    this.#sections.setLayers(mid, layers)
  }

  /** What the encoders may spend from now on; needs no offer. */
  spend(budget: Budget): void {
    this.#sections.spend(budget)
    void this.#pack()
  }

  trackOf(mid: string): MediaStreamTrack | null {
    return this.#sections.trackOf(mid)
  }

  async answer(offerId: number, sdp: string): Promise<void> {
    const pc = this.#pc
    const flight = this.#flight
    if (!pc || flight?.id !== offerId || pc.signalingState !== 'have-local-offer') return
    this.#sections.settle(flight.asked)
    flight.asked = NONE
    try {
      await this.#take(pc, sdp)
    } catch {
      if (this.#pc === pc) this.#beginLater()
      return
    }
    if (this.#pc !== pc) return
    this.#answered = true
    this.#sections.agree()
    this.#path.agreed()
    this.#land()
    this.#path.watch(pc)
    const { budget } = this.#sections
    if (budget) this.spend(budget)
    else this.#sections.aimAgain()
    this.#options.changed()
  }

  /** Another connection may do where the browser did not take the answer; one after the other, ever faster, would not. */
  #beginLater(): void {
    const wait = this.#refusals.note(this.#options.now())
    if (wait === 0) return this.begin()
    // What was offered is not said again: its answer would be another of the same.
    this.#again = false
    this.#land(false)
    if (wait === null) {
      this.close()
      return this.#options.failed?.()
    }
    this.#anew = this.#options.setTimer(() => this.begin(), wait)
  }

  /** The server could not use this offer. Whether to try again is the caller's. */
  refused(offerId: number): boolean {
    if (this.#flight?.id !== offerId) return false
    this.#land(false)
    return true
  }

  /** Gives up what the refused offer asked for beyond what was agreed before, which goes on; `null` when nothing was. */
  forgo(): Forgone | null {
    const pc = this.#pc
    if (!pc || !this.#answered) return null
    const { forgone, rest } = this.#sections.forgo()
    void this.#rollBack(pc, rest)
    return forgone
  }

  /** More people came than there are sections. */
  addSections(audio: number, video: number): void {
    if (this.#sections.add(audio, video)) void this.#negotiate()
  }

  /** The answer would be another one now. */
  offerAgain(): void {
    if (this.#pc && !this.#prepared) void this.#negotiate()
  }

  /** The socket went or came back. */
  setLinked(linked: boolean): void {
    this.#recovery = relink(this.#recovery, linked, this.#options.now())
    if (!linked) this.#path.unlinked()
    if (!linked) this.#land(false)
    else if (!this.#answered && this.#pc && !this.#prepared) return this.begin()
    // Sections that were added while nobody heard, or an offer whose answer was lost.
    else if (this.#pc?.signalingState === 'have-local-offer' || this.#again) void this.#negotiate()
    this.#arm()
  }

  /** The device came into another network. A new path is sought at once, while the old one may still carry what is said. */
  moved(): void {
    if (this.#pc && this.#answered) this.#seek(this.#pc)
  }

  #seek(pc: RTCPeerConnection): void {
    this.#path.seek(pc)
    void this.#negotiate()
  }

  /** The relay says that it lost this connection, whatever the browser believes. */
  distrust(): void {
    if (this.#recovery.state === 'connected') this.begin()
  }

  close(): void {
    this.#closed = true
    this.#tearDown()
    if (this.#timer !== null) this.#options.clearTimer(this.#timer)
  }

  #tearDown(): void {
    this.#land(false)
    this.#again = false
    this.#answered = false
    this.#path.stop()
    if (this.#anew !== null) this.#options.clearTimer(this.#anew)
    this.#anew = null
    this.#unheard.clear()
    this.#sections.clear()
    const old = this.#pc
    this.#pc = null
    if (!old) return
    old.onconnectionstatechange = old.oniceconnectionstatechange = old.onicecandidate = old.ontrack = null
    old.close()
  }

  #build(): void {
    const pc = this.#options.make()
    this.#pc = pc
    this.#sections.build(pc)
    pc.onconnectionstatechange = pc.oniceconnectionstatechange = () => this.#observe(pc)
    pc.onicecandidate = ({ candidate }) => this.#path.found(candidate)
    pc.ontrack = () => this.#options.changed()
  }

  #observe(pc: RTCPeerConnection): void {
    if (this.#pc !== pc) return
    const state = iceStateOf(pc)
    this.#recovery = observe(this.#recovery, state, this.#options.now())
    this.#options.state(state === 'disconnected' || state === 'failed' ? 'interrupted' : state)
    this.#arm()
  }

  #arm(): void {
    if (this.#timer !== null) this.#options.clearTimer(this.#timer)
    const at = nextDeadline(this.#recovery)
    this.#timer = at === null || this.#closed || this.#prepared ? null : this.#options.setTimer(() => this.#cure(), Math.max(0, at - this.#options.now()))
  }

  #cure(): void {
    const { recovery, cure } = due(this.#recovery, this.#options.now())
    this.#recovery = recovery
    if (cure === 'fresh') return this.begin()
    if (cure === 'restart' && this.#pc) this.#seek(this.#pc)
    this.#arm()
  }

  /** Tells of which sections nothing comes any more, when that changed. */
  #listen(pc: RTCPeerConnection): void {
    const unheard = this.#unheard.look(pc, this.#options.now())
    if (unheard) this.#options.unheard?.(unheard)
  }

  async #describe(pc: RTCPeerConnection, id: number): Promise<void> {
    const offer = await pc.createOffer()
    // Something more urgent took its turn meanwhile.
    if (this.#pc !== pc || this.#flight?.id !== id) return
    // A browser that takes no word of ours goes on with its own.
    await pc.setLocalDescription({ type: 'offer', sdp: asksForSoundAgain(offer.sdp ?? '') }).catch(() => pc.setLocalDescription(offer))
  }

  async #take(pc: RTCPeerConnection, sdp: string): Promise<void> {
    const { audioMs } = this.#sections.budget ?? BUDGET.full
    this.#taken = { sdp, audioMs }
    await pc.setRemoteDescription({ type: 'answer', sdp: inPacketsOf(audioMs, sdp) })
  }

  /** Puts more or less of the voice in a packet. No browser has a switch for it, but each obeys its answer; so what was agreed
   *  last is agreed once more, which asks nothing of the server: it is done most where the server is heard least. */
  async #pack(): Promise<void> {
    const pc = this.#pc
    const isDue = (this.#sections.budget ?? BUDGET.full).audioMs !== this.#taken.audioMs
    if (!pc || !this.#answered || !isDue || this.#flight?.id === NO_OFFER) return
    // An answer that is under way may be long in coming, where it matters most.
    if (this.#flight) this.#again = true
    this.#land(false)
    this.#flight = { id: NO_OFFER, timer: null, asked: NONE }
    try {
      // An offer that nobody answers is made again afterwards.
      if (pc.signalingState === 'have-local-offer') {
        this.#again = true
        await pc.setLocalDescription({ type: 'rollback' })
      }
      const agreed = pc.currentLocalDescription
      if (agreed) await pc.setLocalDescription({ type: 'offer', sdp: agreed.sdp })
      if (agreed && this.#pc === pc) await this.#take(pc, this.#taken.sdp)
      if (this.#pc === pc) this.#sections.aimAgain()
    } catch {
      // The next offer's answer says it.
      this.#again = true
    }
    if (this.#pc === pc && this.#flight?.id === NO_OFFER) this.#land()
  }

  /** Back to what was agreed. A section that stays would be in every further offer. */
  async #rollBack(pc: RTCPeerConnection, rest: readonly RTCRtpTransceiver[]): Promise<void> {
    this.#flight = { id: NO_OFFER, timer: null, asked: NONE }
    try {
      if (pc.signalingState === 'have-local-offer') await pc.setLocalDescription({ type: 'rollback' })
      for (const one of rest) one.stop()
    } catch {
      // The next offer says whether it was of use.
    }
    if (this.#pc !== pc || this.#flight?.id !== NO_OFFER) return
    this.#land()
    void this.#pack()
  }

  async #negotiate(): Promise<void> {
    const pc = this.#pc
    if (!pc) return
    if (this.#flight || !this.#recovery.linked) {
      this.#again = true
      return
    }
    lastOffer += 1
    const id = lastOffer
    this.#flight = { id, timer: this.#options.setTimer(() => this.#overdue(id), ANSWER_MS), asked: this.#sections.asked }
    this.#again = false
    try {
      await this.#describe(pc, id)
      if (this.#pc !== pc || this.#flight?.id !== id) return
      this.#path.offered()
      await this.#options.offer({ offer_id: id, fresh: !this.#answered, sdp: pc.localDescription?.sdp ?? '' })
    } catch {
      // Not said, or refused: the answer that does not come is handled in one place.
    }
  }

  #overdue(id: number): void {
    if (this.#flight?.id !== id) return
    this.#land(false)
    void this.#negotiate()
  }

  /** The flight is over. */
  #land(more = true): void {
    if (this.#flight) this.#options.clearTimer(this.#flight.timer)
    this.#flight = null
    if (more && this.#again) void this.#negotiate()
  }
}

function iceStateOf(pc: RTCPeerConnection): IceState {
  // Old Firefox knows only the ICE half.
  const state: string = pc.connectionState ?? pc.iceConnectionState
  if (state === 'connected' || state === 'completed') return 'connected'
  if (state === 'disconnected') return 'disconnected'
  return state === 'failed' ? 'failed' : 'connecting'
}
