// The one RTCPeerConnection of a participant. Only this side offers: own sections first, then sections to receive in.
// One offer is in flight at a time; an answer to another one is dropped.

import type { MediaKind, MediaState } from '@/protocol/live'
import { asksForSoundAgain, inPacketsOf } from './description'
import { BUDGET, type Budget } from './ladder'
import { offered } from './codecs'
import { Refusals } from './refusals'
import { aim, encodings, limitVoice, sendLayers } from './simulcast'
import { feel, marker, pause, still, type Pulse } from './pulse'
import { deaf, listen, marksOf, type Ears } from './unheard'
import { due, newRecovery, nextDeadline, observe, relink, type IceState, type Recovery } from './recovery'

/** An offer without an answer for so long is said again. */
export const ANSWER_MS = 5_000
/** A path that was sought is there within three times the way of the offer and its answer, and no less than this, or it is sought again:
 *  Chromium, which still believes in its old path, tries a new one only with its next check, twice a second. */
export const SOUGHT_MS = 600
/** Where the browser has no address to try, it is soon asked again whether it has one now. */
export const BARREN_MS = 200

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
  receive: { audio: number; video: number }
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

/** What is not there because the server did not take it. */
export interface Forgone {
  screen: boolean
  /** Sections for others. */
  others: boolean
}

/** Grows with every offer of this page. A page that was loaded anew goes on where none before it was: an answer that is still under
 *  way to the old one is not taken for its own. */
let lastOffer = Date.now()
/** What the server never heard of, nor answers. */
const NO_OFFER = 0

export class Peer {
  readonly #options: PeerOptions
  #pc: RTCPeerConnection | null = null
  #senders: Record<MediaKind, RTCRtpSender> | null = null
  #tracks: Record<MediaKind, MediaStreamTrack | null> = { audio: null, video: null }
  #screen: MediaStreamTrack | null = null
  #screenSender: RTCRtpSender | null = null
  #extra = { audio: 0, video: 0 }
  /** Sections that an answer has named. */
  #agreed: readonly RTCRtpTransceiver[] = []
  /** The server took no more sections. This connection asks for none again: Chromium takes the next for the one that was given up,
   *  and fails when it is of the other kind. */
  #isFull = false
  /** Added sections that no answer has named yet. */
  #asked = { audio: 0, video: 0 }
  #flight: { id: number; timer: unknown; asked: { audio: number; video: number } } | null = null
  /** When the last offer was said, and when it was answered. */
  #said = { at: 0, answered: 0 }
  /** Another path is sought and was not agreed on; when it got its last address. */
  #search = { isOpen: false, found: 0 }
  #answered = false
  /** The last answer as it came, and the milliseconds of sound in a packet that it was taken with. */
  #taken = { sdp: '', audioMs: BUDGET.full.audioMs }
  /** Layers of the camera that somebody watches; `null`: nothing was said yet. */
  #watched: readonly number[] | null = null
  /** What the encoders may spend; `null`: what they like. */
  #budget: Budget | null = null
  /** Built, and nothing offered yet. */
  #prepared = false
  #again = false
  #recovery: Recovery
  #timer: unknown = null
  #pulse: Pulse = still
  /** The socket was lost since packets came last: it is the own network. */
  #isAstray = false
  #looking: unknown = null
  /** Answers that the browser did not take, and the next connection after them. */
  readonly #refusals = new Refusals()
  #anew: unknown = null
  #ears: Ears = deaf
  /** The sections that were told as unheard last. */
  #unheard = ''
  #closed = false

  constructor(options: PeerOptions) {
    this.#options = options
    this.#recovery = newRecovery(options.now())
  }

  get connection(): RTCPeerConnection | null {
    return this.#pc
  }

  /** Nobody watches the own camera: the relay let it rest. */
  get rests(): boolean {
    return this.#watched !== null && this.#watched.length === 0
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

  /** Sends the screen in a section of its own: the second of its kind, which is how the server knows it. `false` when there is
   *  no room for one. */
  setScreen(track: MediaStreamTrack | null): boolean {
    if (track && !this.#screenSender && this.#isFull) return false
    this.#screen = track
    if (this.#screenSender) void this.#screenSender.replaceTrack(track).catch(() => undefined)
    else if (track && this.#pc) {
      this.#addScreen(this.#pc, track)
      void this.#negotiate()
    }
    return true
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
    this.#tracks[kind] = track
    void this.#senders?.[kind].replaceTrack(track).catch(() => undefined)
  }

  /** Somebody watches these layers of an own section, and no others. */
  setLayers(mid: string, layers: readonly number[]): void {
    const sender = this.#pc?.getTransceivers().find((one) => one.mid === mid)?.sender
    if (!sender) return
    if (sender !== this.#senders?.video) return void sendLayers(sender, layers)
    this.#watched = layers
    void aim(sender, layers, this.#budget)
  }

  /** What the encoders may spend from now on; needs no offer. */
  spend(budget: Budget): void {
    this.#budget = budget
    if (!this.#senders) return
    void aim(this.#senders.video, this.#watched, budget)
    void limitVoice(this.#senders.audio, budget)
    void this.#pack()
  }

  trackOf(mid: string): MediaStreamTrack | null {
    return this.#pc?.getTransceivers().find((one) => one.mid === mid)?.receiver.track ?? null
  }

  async answer(offerId: number, sdp: string): Promise<void> {
    const pc = this.#pc
    const flight = this.#flight
    if (!pc || flight?.id !== offerId || pc.signalingState !== 'have-local-offer') return
    this.#asked = { audio: this.#asked.audio - flight.asked.audio, video: this.#asked.video - flight.asked.video }
    flight.asked = { audio: 0, video: 0 }
    try {
      await this.#take(pc, sdp)
    } catch {
      if (this.#pc === pc) this.#beginLater()
      return
    }
    if (this.#pc !== pc) return
    this.#answered = true
    this.#agreed = pc.getTransceivers().filter((one) => one.mid !== null)
    this.#said.answered = this.#options.now()
    this.#search.isOpen = false
    this.#land()
    this.#watch(pc)
    if (this.#budget) this.spend(this.#budget)
    else if (this.#watched && this.#senders) void aim(this.#senders.video, this.#watched, null)
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
    const rest = pc.getTransceivers().filter((one) => one.direction !== 'stopped' && !this.#agreed.includes(one))
    const screen = rest.some((one) => one.sender === this.#screenSender)
    const others = rest.filter((one) => one.sender !== this.#screenSender)
    for (const one of others) this.#extra[one.receiver.track.kind === 'audio' ? 'audio' : 'video'] -= 1
    this.#asked = { audio: 0, video: 0 }
    if (screen) this.#screen = this.#screenSender = null
    this.#isFull ||= rest.length > 0
    void this.#rollBack(pc, rest)
    return { screen, others: others.length > 0 }
  }

  /** More people came than there are sections. */
  addSections(audio: number, video: number): void {
    const pc = this.#pc
    if (!pc || this.#isFull) return
    // What is asked for again, after a lost socket, may be added already and not yet negotiated.
    audio = Math.max(0, audio - this.#asked.audio)
    video = Math.max(0, video - this.#asked.video)
    if (audio + video === 0) return
    this.#asked = { audio: this.#asked.audio + audio, video: this.#asked.video + video }
    this.#extra = { audio: this.#extra.audio + audio, video: this.#extra.video + video }
    for (let n = 0; n < audio; n += 1) pc.addTransceiver('audio', { direction: 'recvonly' })
    for (let n = 0; n < video; n += 1) preferOurs(pc.addTransceiver('video', { direction: 'recvonly' }))
    void this.#negotiate()
  }

  /** The answer would be another one now. */
  offerAgain(): void {
    if (this.#pc && !this.#prepared) void this.#negotiate()
  }

  /** The socket went or came back. */
  setLinked(linked: boolean): void {
    this.#recovery = relink(this.#recovery, linked, this.#options.now())
    if (!linked) this.#isAstray = true
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
    // What the server has not answered is still sought, and takes every network that comes meanwhile.
    const isSought = this.#search.isOpen && pc.signalingState === 'have-local-offer' && !this.#isBarren(pc)
    if (!isSought) {
      this.#search = { isOpen: true, found: 0 }
      pc.restartIce()
    }
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
    for (const timer of [this.#looking, this.#anew]) if (timer !== null) this.#options.clearTimer(timer)
    this.#looking = this.#anew = null
    // The server forgets with the connection, too.
    this.#ears = deaf
    this.#unheard = ''
    this.#watched = null
    this.#asked = { audio: 0, video: 0 }
    this.#agreed = []
    this.#isFull = false
    const old = this.#pc
    this.#pc = null
    this.#senders = null
    this.#screenSender = null
    if (!old) return
    old.onconnectionstatechange = old.oniceconnectionstatechange = old.onicecandidate = old.ontrack = null
    old.close()
  }

  #build(): void {
    const pc = this.#options.make()
    this.#pc = pc
    const audio = pc.addTransceiver(this.#tracks.audio ?? 'audio', { direction: 'sendonly' })
    const video = pc.addTransceiver(this.#tracks.video ?? 'video', { direction: 'sendonly', sendEncodings: encodings(globalThis.navigator?.hardwareConcurrency) })
    preferOurs(video, this.#options.h264First?.())
    this.#senders = { audio: audio.sender, video: video.sender }
    if (this.#screen) this.#addScreen(pc, this.#screen)
    const { receive } = this.#options
    for (let n = 0; n < receive.audio + this.#extra.audio; n += 1) pc.addTransceiver('audio', { direction: 'recvonly' })
    for (let n = 0; n < receive.video + this.#extra.video; n += 1) preferOurs(pc.addTransceiver('video', { direction: 'recvonly' }))
    pc.onconnectionstatechange = pc.oniceconnectionstatechange = () => this.#observe(pc)
    // Of TCP alone a browser names addresses that it has no more.
    pc.onicecandidate = ({ candidate }) => {
      if (candidate?.protocol === 'udp') this.#search.found = this.#options.now()
    }
    pc.ontrack = () => this.#options.changed()
  }

  #addScreen(pc: RTCPeerConnection, track: MediaStreamTrack): void {
    const screen = pc.addTransceiver(track, { direction: 'sendonly', sendEncodings: [{ maxBitrate: 2_500_000 }] })
    preferOurs(screen)
    this.#screenSender = screen.sender
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

  /** Feels whether packets still come, for as long as this connection lives. */
  #watch(pc: RTCPeerConnection): void {
    if (this.#looking !== null || typeof pc.getReceivers !== 'function') return
    this.#pulse = still
    const markOf = marker(pc)
    const look = (): void => {
      const isSought = this.#recovery.state !== 'connected' || !this.#hadTime(pc)
      // A network that bears no picture loses packets and sockets all the time, and another search would fill it.
      const isOwn = this.#isAstray && this.#budget?.video !== null
      const { pulse, suspects, doubts, returns } = feel(this.#pulse, markOf(), this.#options.now(), { isOwn, isSought })
      this.#pulse = pulse
      if (pulse.quiet === 0) this.#isAstray = false
      if (suspects) this.#options.missed?.()
      if (doubts) this.moved()
      if (returns) this.#options.returned?.()
      this.#listen(pc)
      this.#looking = this.#options.setTimer(look, pause(pulse))
    }
    look()
  }

  /** Tells of which sections nothing comes any more, when that changed. */
  #listen(pc: RTCPeerConnection): void {
    const { ears, unheard } = listen(this.#ears, marksOf(pc), this.#options.now())
    this.#ears = ears
    if (unheard.join() === this.#unheard) return
    this.#unheard = unheard.join()
    this.#options.unheard?.(unheard)
  }

  /** Whether the path that was sought last had time to come. */
  #hadTime(pc: RTCPeerConnection): boolean {
    const { at, answered } = this.#said
    const least = this.#isBarren(pc) ? BARREN_MS : SOUGHT_MS
    return this.#flight === null && this.#options.now() - Math.max(answered, this.#search.found) >= Math.max(least, 3 * (answered - at))
  }

  /** The browser looked for addresses of its own, and found none. */
  #isBarren(pc: RTCPeerConnection): boolean {
    return this.#search.found === 0 && pc.iceGatheringState === 'complete'
  }

  async #describe(pc: RTCPeerConnection, id: number): Promise<void> {
    const offer = await pc.createOffer()
    // Something more urgent took its turn meanwhile.
    if (this.#pc !== pc || this.#flight?.id !== id) return
    // A browser that takes no word of ours goes on with its own.
    await pc.setLocalDescription({ type: 'offer', sdp: asksForSoundAgain(offer.sdp ?? '') }).catch(() => pc.setLocalDescription(offer))
  }

  async #take(pc: RTCPeerConnection, sdp: string): Promise<void> {
    const { audioMs } = this.#budget ?? BUDGET.full
    this.#taken = { sdp, audioMs }
    await pc.setRemoteDescription({ type: 'answer', sdp: inPacketsOf(audioMs, sdp) })
  }

  /** Puts more or less of the voice in a packet. No browser has a switch for it, but each obeys its answer; so what was agreed
   *  last is agreed once more, which asks nothing of the server: it is done most where the server is heard least. */
  async #pack(): Promise<void> {
    const pc = this.#pc
    const isDue = (this.#budget ?? BUDGET.full).audioMs !== this.#taken.audioMs
    if (!pc || !this.#answered || !isDue || this.#flight?.id === NO_OFFER) return
    // An answer that is under way may be long in coming, where it matters most.
    if (this.#flight) this.#again = true
    this.#land(false)
    this.#flight = { id: NO_OFFER, timer: null, asked: { audio: 0, video: 0 } }
    try {
      // An offer that nobody answers is made again afterwards.
      if (pc.signalingState === 'have-local-offer') {
        this.#again = true
        await pc.setLocalDescription({ type: 'rollback' })
      }
      const agreed = pc.currentLocalDescription
      if (agreed) await pc.setLocalDescription({ type: 'offer', sdp: agreed.sdp })
      if (agreed && this.#pc === pc) await this.#take(pc, this.#taken.sdp)
      // What was agreed names every size of the picture, and sets those free that rest.
      if (this.#pc === pc && this.#watched && this.#senders) void aim(this.#senders.video, this.#watched, this.#budget)
    } catch {
      // The next offer's answer says it.
      this.#again = true
    }
    if (this.#pc === pc && this.#flight?.id === NO_OFFER) this.#land()
  }

  /** Back to what was agreed. A section that stays would be in every further offer. */
  async #rollBack(pc: RTCPeerConnection, rest: readonly RTCRtpTransceiver[]): Promise<void> {
    this.#flight = { id: NO_OFFER, timer: null, asked: { audio: 0, video: 0 } }
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
    this.#flight = { id, timer: this.#options.setTimer(() => this.#overdue(id), ANSWER_MS), asked: this.#asked }
    this.#again = false
    try {
      await this.#describe(pc, id)
      if (this.#pc !== pc || this.#flight?.id !== id) return
      this.#said = { ...this.#said, at: this.#options.now() }
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

/** Offers what the relay carries and nothing else. */
function preferOurs(transceiver: RTCRtpTransceiver, h264First = false): void {
  if (typeof transceiver.setCodecPreferences !== 'function' || typeof RTCRtpReceiver === 'undefined') return
  const codecs = offered(RTCRtpReceiver.getCapabilities?.('video')?.codecs ?? [], h264First)
  if (codecs.length === 0) return
  try {
    transceiver.setCodecPreferences(codecs)
  } catch {
    // An order is a wish.
  }
}
