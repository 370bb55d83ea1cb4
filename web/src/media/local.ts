// The own camera and microphone through a call: captured, lost, captured again. One act at a time.

import type { DeviceTrouble } from '@/protocol/live'
import { canFlip, capture, type Captured, type DeviceApi, type Facing } from './devices'
import type { TestSource } from './testPicture'

/** A track that says nothing for so long was taken by a phone call or another app. */
export const MUTED_MS = 3_000
/** A device that another app still has is asked for again after this, each time twice as long, */
export const RETRY_MS = 1_000
/** but never longer. */
export const RETRY_AT_MOST_MS = 8_000

export interface LocalState {
  audio: MediaStreamTrack | null
  video: MediaStreamTrack | null
  microphoneTrouble: DeviceTrouble | null
  cameraTrouble: DeviceTrouble | null
  facing: Facing
  canFlip: boolean
  testPicture: boolean
}

export interface LocalOptions {
  api: DeviceApi
  small: boolean
  /** Stand-ins for missing devices; only in a demonstration. `always`: the person asked for them. */
  stand: { picture: () => TestSource | null; tone: () => TestSource | null; always: boolean } | null
  changed: (state: LocalState) => void
  /** A device stopped by itself, and is being captured again. */
  interrupted: (on: boolean) => void
  /** The page is in the background: there a telephone gives no devices, and some never answer. */
  hidden: () => boolean
  setTimer: (act: () => void, ms: number) => unknown
  clearTimer: (timer: unknown) => void
}

/** Stand-ins are for machines that have nothing, not for people who said no. */
const STANDS_IN: readonly DeviceTrouble[] = ['not_found', 'busy', 'unsupported']
/** What passes by itself when the phone call is over. */
const PASSING: readonly DeviceTrouble[] = ['busy', 'failed']

export class LocalMedia {
  readonly #options: LocalOptions
  #state: LocalState = { audio: null, video: null, microphoneTrouble: null, cameraTrouble: null, facing: 'user', canFlip: false, testPicture: false }
  #wants = { microphone: true, camera: true }
  #stand: { picture: TestSource | null; tone: TestSource | null } = { picture: null, tone: null }
  #line: Promise<void> = Promise.resolve()
  #stopped = false
  /** A device stopped by itself and is not back yet. */
  #interrupted = false
  #retries = 0
  #retry: unknown = null

  constructor(options: LocalOptions) {
    this.#options = options
  }

  get state(): LocalState {
    return this.#state
  }

  /** Asks for the devices that are wanted and not there. */
  start(wants: { microphone: boolean; camera: boolean }): Promise<void> {
    this.#stopped = false
    this.#wants = wants
    return this.#queue(() => this.#fill())
  }

  /** A silent microphone stays captured, so that it is back at once. */
  setMicrophone(on: boolean): Promise<void> {
    this.#wants.microphone = on
    // Silence never waits behind a question of the browser's.
    if (this.#state.audio) this.#state.audio.enabled = on
    return this.#queue(async () => {
      if (this.#state.audio) this.#state.audio.enabled = this.#wants.microphone
      else if (this.#wants.microphone) await this.#fill()
    })
  }

  /** A camera that is off is let go: its lamp goes out. */
  setCamera(on: boolean): Promise<void> {
    this.#wants.camera = on
    // Nor does darkness; letting the device go is the queue's.
    if (this.#state.video) this.#state.video.enabled = on
    return this.#queue(async () => {
      if (this.#wants.camera) return await this.#fill()
      this.#drop('video')
      this.#tell({ video: null, cameraTrouble: null, testPicture: false })
    })
  }

  flip(): Promise<void> {
    return this.#queue(async () => {
      this.#drop('video')
      this.#tell({ video: null, facing: this.#state.facing === 'user' ? 'environment' : 'user' })
      await this.#fill()
    })
  }

  /** After a phone call, or when the page comes back: devices that died are asked for again. */
  revive(): Promise<void> {
    return this.#queue(async () => {
      if (this.#sleeps()) return
      for (const kind of ['audio', 'video'] as const) {
        const track = this.#state[kind]
        if (track && (track.readyState === 'ended' || track.muted)) {
          this.#drop(kind)
          this.#tell({ [kind]: null })
        }
      }
      await this.#fill()
      this.#settle()
    })
  }

  /** Somebody misses this track, whatever the browser says of it: it is captured anew. */
  recapture(kind: 'audio' | 'video'): Promise<void> {
    return this.#queue(async () => {
      this.#drop(kind)
      this.#tell({ [kind]: null })
      await this.#fill()
    })
  }

  /** Lets everything go. */
  stop(): void {
    this.#stopped = true
    this.#options.clearTimer(this.#retry)
    this.#drop('audio')
    this.#drop('video')
    this.#state = { ...this.#state, audio: null, video: null }
  }

  /** What is not back is tried again by itself, unless the person must do something first. */
  #settle(): void {
    this.#options.clearTimer(this.#retry)
    const isMissing = this.#interrupted && (this.#misses('microphone', 'audio', 'microphoneTrouble') || this.#misses('camera', 'video', 'cameraTrouble'))
    if (isMissing) {
      this.#retry = this.#options.setTimer(() => void this.revive(), Math.min(RETRY_AT_MOST_MS, RETRY_MS * 2 ** this.#retries))
      this.#retries += 1
      return
    }
    this.#retries = 0
    this.#interrupted = false
    this.#options.interrupted(false)
  }

  #misses(device: 'microphone' | 'camera', kind: 'audio' | 'video', trouble: 'microphoneTrouble' | 'cameraTrouble'): boolean {
    if (!this.#wants[device]) return false
    const track = this.#state[kind]
    if (track) return track.readyState === 'ended' || track.muted
    const why = this.#state[trouble]
    return why !== null && PASSING.includes(why)
  }

  #sleeps(): boolean {
    return this.#options.small && this.#options.hidden()
  }

  #queue(act: () => Promise<void> | void): Promise<void> {
    // What failed before is no reason to leave this out.
    this.#line = this.#line.catch(() => undefined).then(() => (this.#stopped ? undefined : act()))
    return this.#line
  }

  async #fill(): Promise<void> {
    const { api, small } = this.#options
    const wish = { microphone: this.#wants.microphone && !this.#state.audio, camera: this.#wants.camera && !this.#state.video, facing: this.#state.facing, small }
    if (!wish.microphone && !wish.camera) return
    const got = this.#withStandIns(await capture(api, wish), wish)
    if (this.#stopped) {
      got.audio?.stop()
      got.video?.stop()
      return
    }
    const next: Partial<LocalState> = { canFlip: await canFlip(api) }
    if (wish.microphone) Object.assign(next, { audio: got.audio, microphoneTrouble: got.microphoneTrouble })
    if (wish.camera) Object.assign(next, { video: got.video, cameraTrouble: got.cameraTrouble, testPicture: this.#stand.picture !== null })
    if (got.audio) {
      got.audio.enabled = this.#wants.microphone
      this.#watch(got.audio)
    }
    if (got.video) {
      // A clinic looks at faces and tongues: rather sharp than smooth only when asked; motion is the default.
      got.video.contentHint = 'motion'
      this.#watch(got.video)
    }
    this.#tell(next)
  }

  #withStandIns(got: Captured, wish: { microphone: boolean; camera: boolean }): Captured {
    const stand = this.#options.stand
    if (!stand) return got
    const next = { ...got }
    const may = (trouble: DeviceTrouble | null): boolean => trouble !== null && (stand.always || STANDS_IN.includes(trouble))
    if (wish.camera && may(got.cameraTrouble)) {
      this.#stand.picture = stand.picture()
      if (this.#stand.picture) Object.assign(next, { video: this.#stand.picture.track, cameraTrouble: null })
    }
    if (wish.microphone && may(got.microphoneTrouble)) {
      this.#stand.tone = stand.tone()
      if (this.#stand.tone) Object.assign(next, { audio: this.#stand.tone.track, microphoneTrouble: null })
    }
    return next
  }

  #drop(kind: 'audio' | 'video'): void {
    const track = this.#state[kind]
    if (!track) return
    const stand = kind === 'audio' ? 'tone' : 'picture'
    this.#stand[stand]?.stop()
    this.#stand[stand] = null
    // Stopped before the next capture: Safari refuses a second one otherwise.
    track.stop()
  }

  #watch(track: MediaStreamTrack): void {
    let timer: unknown = null
    const lost = (): void => {
      if (this.#stopped || this.#state[track.kind as 'audio' | 'video'] !== track) return
      // A telephone rests its camera while the page is away: that is told as away, and mended on coming back.
      if (this.#sleeps() && track.kind === 'video') return
      this.#interrupted = true
      this.#options.interrupted(true)
      void this.revive()
    }
    const muted = (): void => {
      this.#options.clearTimer(timer)
      timer = this.#options.setTimer(lost, MUTED_MS)
    }
    track.addEventListener('ended', lost)
    track.addEventListener('mute', muted)
    track.addEventListener('unmute', () => {
      this.#options.clearTimer(timer)
      if (this.#interrupted && this.#state[track.kind as 'audio' | 'video'] === track) this.#settle()
    })
    // During a phone call a new track may be born muted.
    if (track.muted) muted()
  }

  #tell(part: Partial<LocalState>): void {
    this.#state = { ...this.#state, ...part }
    this.#options.changed(this.#state)
  }
}
