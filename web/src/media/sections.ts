// The sections of a connection: what goes out in the own ones, what the encoders may spend on it, and how many there are for others.
// Tracks and numbers outlive a connection: the next one is built with them.

import type { MediaKind } from '@/protocol/live'
import { offered } from './codecs'
import type { Budget } from './ladder'
import { aim, encodings, limitVoice, sendLayers } from './simulcast'

/** So many of each kind. */
export type Count = Readonly<Record<MediaKind, number>>
export const NONE: Count = { audio: 0, video: 0 }

/** What is not there because the server did not take it. */
export interface Forgone {
  screen: boolean
  /** Sections for others. */
  others: boolean
}

export interface SectionsOptions {
  /** Sections to receive in, from the beginning. */
  receive: Count
  /** The camera would rather speak H.264; the answer says whether it may. */
  h264First?: () => boolean
}

export class Sections {
  readonly #options: SectionsOptions
  #pc: RTCPeerConnection | null = null
  #senders: Record<MediaKind, RTCRtpSender> | null = null
  #tracks: Record<MediaKind, MediaStreamTrack | null> = { audio: null, video: null }
  #screen: MediaStreamTrack | null = null
  #screenSender: RTCRtpSender | null = null
  #extra: Count = NONE
  /** Sections that an answer has named. */
  #agreed: readonly RTCRtpTransceiver[] = []
  /** The server took no more sections. This connection asks for none again: Chromium takes the next for the one that was given up,
   *  and fails when it is of the other kind. */
  #isFull = false
  /** Added sections that no answer has named yet. */
  #asked: Count = NONE
  /** Layers of the camera that somebody watches; `null`: nothing was said yet. */
  #watched: readonly number[] | null = null
  /** What the encoders may spend; `null`: what they like. */
  #budget: Budget | null = null

  constructor(options: SectionsOptions) {
    this.#options = options
  }

  get asked(): Count {
    return this.#asked
  }

  get budget(): Budget | null {
    return this.#budget
  }

  /** Nobody watches the own camera. */
  get isUnwatched(): boolean {
    return this.#watched !== null && this.#watched.length === 0
  }

  /** Puts all of them into a new connection: the own ones first, which is how the server knows them. */
  build(pc: RTCPeerConnection): void {
    this.#pc = pc
    const audio = pc.addTransceiver(this.#tracks.audio ?? 'audio', { direction: 'sendonly' })
    const video = pc.addTransceiver(this.#tracks.video ?? 'video', { direction: 'sendonly', sendEncodings: encodings(globalThis.navigator?.hardwareConcurrency) })
    preferOurs(video, this.#options.h264First?.())
    this.#senders = { audio: audio.sender, video: video.sender }
    if (this.#screen) this.#addScreen(pc, this.#screen)
    const { receive } = this.#options
    receiveIn(pc, { audio: receive.audio + this.#extra.audio, video: receive.video + this.#extra.video })
  }

  /** The connection is gone, and what was agreed in it. */
  clear(): void {
    this.#pc = null
    this.#senders = null
    this.#screenSender = null
    this.#watched = null
    this.#asked = NONE
    this.#agreed = []
    this.#isFull = false
  }

  trackOf(mid: string): MediaStreamTrack | null {
    return this.#of(mid)?.receiver.track ?? null
  }

  /** Sends this track, or nothing. */
  setTrack(kind: MediaKind, track: MediaStreamTrack | null): void {
    this.#tracks[kind] = track
    void this.#senders?.[kind].replaceTrack(track).catch(() => undefined)
  }

  /** Sends the screen in a section of its own: the second of its kind, which is how the server knows it. `full`: there is no room
   *  for one; `added`: it is to be offered. */
  setScreen(track: MediaStreamTrack | null): 'full' | 'added' | 'set' {
    if (track && !this.#screenSender && this.#isFull) return 'full'
    this.#screen = track
    if (this.#screenSender) void this.#screenSender.replaceTrack(track).catch(() => undefined)
    else if (track && this.#pc) {
      this.#addScreen(this.#pc, track)
      return 'added'
    }
    return 'set'
  }

  /** More people came than there are sections. Whether there are new ones, which are to be offered. */
  add(audio: number, video: number): boolean {
    const pc = this.#pc
    if (!pc || this.#isFull) return false
    // What is asked for again, after a lost socket, may be added already and not yet negotiated.
    const more = { audio: Math.max(0, audio - this.#asked.audio), video: Math.max(0, video - this.#asked.video) }
    if (more.audio + more.video === 0) return false
    this.#asked = { audio: this.#asked.audio + more.audio, video: this.#asked.video + more.video }
    this.#extra = { audio: this.#extra.audio + more.audio, video: this.#extra.video + more.video }
    receiveIn(pc, more)
    return true
  }

  /** So many of those that were asked for are in the offer that is answered. */
  settle(asked: Count): void {
    this.#asked = { audio: this.#asked.audio - asked.audio, video: this.#asked.video - asked.video }
  }

  /** An answer has named all that have a name. */
  agree(): void {
    this.#agreed = this.#pc?.getTransceivers().filter((one) => one.mid !== null) ?? []
  }

  /** Gives up what was asked for beyond what was agreed: what that was, and the sections that are to be stopped. */
  forgo(): { forgone: Forgone; rest: readonly RTCRtpTransceiver[] } {
    const rest = this.#pc?.getTransceivers().filter((one) => one.direction !== 'stopped' && !this.#agreed.includes(one)) ?? []
    const screen = rest.some((one) => one.sender === this.#screenSender)
    const others = rest.filter((one) => one.sender !== this.#screenSender)
    const heard = others.filter((one) => one.receiver.track.kind === 'audio').length
    this.#extra = { audio: this.#extra.audio - heard, video: this.#extra.video - (others.length - heard) }
    this.#asked = NONE
    if (screen) this.#screen = this.#screenSender = null
    this.#isFull ||= rest.length > 0
    return { forgone: { screen, others: others.length > 0 }, rest }
  }

  /** Somebody watches these layers of an own section, and no others. */
  setLayers(mid: string, layers: readonly number[]): void {
    const sender = this.#of(mid)?.sender
    if (!sender) return
    if (sender !== this.#senders?.video) return void sendLayers(sender, layers)
    this.#watched = layers
    void aim(sender, layers, this.#budget)
  }

  /** What the encoders may spend from now on. */
  spend(budget: Budget): void {
    this.#budget = budget
    if (!this.#senders) return
    void aim(this.#senders.video, this.#watched, budget)
    void limitVoice(this.#senders.audio, budget)
  }

  /** What was agreed just now names every size of the picture, and set those free that rest. */
  aimAgain(): void {
    if (this.#watched && this.#senders) void aim(this.#senders.video, this.#watched, this.#budget)
  }

  #of(mid: string): RTCRtpTransceiver | undefined {
    return this.#pc?.getTransceivers().find((one) => one.mid === mid)
  }

  #addScreen(pc: RTCPeerConnection, track: MediaStreamTrack): void {
    const screen = pc.addTransceiver(track, { direction: 'sendonly', sendEncodings: [{ maxBitrate: 2_500_000 }] })
    preferOurs(screen)
    this.#screenSender = screen.sender
  }
}

function receiveIn(pc: RTCPeerConnection, { audio, video }: Count): void {
  for (let n = 0; n < audio; n += 1) pc.addTransceiver('audio', { direction: 'recvonly' })
  for (let n = 0; n < video; n += 1) preferOurs(pc.addTransceiver('video', { direction: 'recvonly' }))
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
