import { beforeEach, describe, expect, it } from 'vitest'
import type { DeviceApi } from './devices'
import { LocalMedia, MUTED_MS, RETRY_AT_MOST_MS, RETRY_MS, type LocalState } from './local'

class FakeTrack extends EventTarget {
  readyState = 'live'
  enabled = true
  contentHint = ''
  readonly kind: 'audio' | 'video'
  muted: boolean
  constructor(kind: 'audio' | 'video', muted: boolean) {
    super()
    this.kind = kind
    this.muted = muted
  }
  /** By us: says nothing. */
  stop(): void {
    this.readyState = 'ended'
  }
  /** By the system. */
  end(): void {
    this.stop()
    this.dispatchEvent(new Event('ended'))
  }
  mute(on: boolean): void {
    this.muted = on
    this.dispatchEvent(new Event(on ? 'mute' : 'unmute'))
  }
}

/** A phone: who calls takes the microphone. */
class FakePhone {
  now = 0
  isCalling = false
  /** A call with a picture takes the camera as well. */
  isFilming = false
  isHidden = false
  bornMuted = false
  /** The question whether we may, while nobody answers it. */
  question: Promise<void> = Promise.resolve()
  asked: string[] = []
  given: FakeTrack[] = []
  interruptions: boolean[] = []
  state: LocalState | null = null
  #timers = new Map<number, { at: number; act: () => void }>()
  #next = 1

  readonly local: LocalMedia
  constructor(small: boolean) {
    const api: DeviceApi = {
      secure: true,
      permission: () => Promise.resolve('granted'),
      mediaDevices: {
        enumerateDevices: () => Promise.resolve([]),
        getUserMedia: async ({ audio, video }: MediaStreamConstraints = {}) => {
          await this.question
          this.asked.push([audio ? 'audio' : '', video ? 'video' : ''].filter(Boolean).join('+'))
          if ((this.isCalling && audio) || (this.isFilming && video)) throw new DOMException('in use', 'NotReadableError')
          const tracks = (['audio', 'video'] as const).filter((kind) => (kind === 'audio' ? audio : video)).map((kind) => new FakeTrack(kind, this.bornMuted))
          this.given.push(...tracks)
          const of = (kind: string): FakeTrack[] => tracks.filter((one) => one.kind === kind)
          return { getTracks: () => tracks, getAudioTracks: () => of('audio'), getVideoTracks: () => of('video') } as unknown as MediaStream
        },
      },
    }
    this.local = new LocalMedia({
      api,
      small,
      stand: null,
      changed: (state) => (this.state = state),
      interrupted: (on) => this.interruptions.at(-1) !== on && this.interruptions.push(on),
      hidden: () => this.isHidden,
      setTimer: (act, ms) => {
        this.#timers.set(this.#next, { at: this.now + ms, act })
        return this.#next++
      },
      clearTimer: (timer) => this.#timers.delete(timer as number),
    })
  }

  get audio(): FakeTrack {
    return this.state?.audio as unknown as FakeTrack
  }
  get video(): FakeTrack {
    return this.state?.video as unknown as FakeTrack
  }
  async passes(ms: number): Promise<void> {
    const until = this.now + ms
    for (;;) {
      const due = [...this.#timers].filter(([, one]) => one.at <= until).sort(([, a], [, b]) => a.at - b.at)[0]
      if (!due) break
      this.now = due[1].at
      this.#timers.delete(due[0])
      due[1].act()
      await settle()
    }
    this.now = until
    await settle()
  }
}
async function settle(): Promise<void> {
  for (let n = 0; n < 30; n += 1) await Promise.resolve()
}

let phone: FakePhone
beforeEach(async () => {
  phone = new FakePhone(true)
  await phone.local.start({ microphone: true, camera: true })
})

describe('taking away', () => {
  it('never waits behind a question of the browser', async () => {
    const { audio } = phone
    let answer = (): void => undefined
    phone.question = new Promise((resolve) => (answer = resolve))
    const captured = phone.local.recapture('video')
    await settle()
    const muted = phone.local.setMicrophone(false)
    expect(audio.enabled, 'the others hear nothing from now on').toBe(false)
    const dark = phone.local.setCamera(false)
    answer()
    await Promise.all([captured, muted, dark])
    expect(phone.audio.enabled).toBe(false)
    expect(phone.state?.video).toBeNull()
    expect(phone.given.at(-1)?.readyState, 'its lamp is out').toBe('ended')
  })
})

describe('an interruption', () => {
  it('by an unplugged headset takes the next microphone at once', async () => {
    const before = phone.audio
    before.end()
    await settle()
    expect(phone.audio).not.toBe(before)
    expect(phone.audio.readyState).toBe('live')
    expect(phone.asked).toEqual(['audio+video', 'audio'])
    expect(phone.interruptions).toEqual([true, false])
  })

  it('by a phone call of a minute is over within eight seconds of its end, by itself', async () => {
    phone.isCalling = true
    phone.audio.end()
    await phone.passes(60_000)
    expect(phone.state?.audio).toBeNull()
    expect(phone.interruptions).toEqual([true])
    const { length } = phone.asked
    expect(length, 'it does not knock all the time').toBeLessThan(14)
    phone.isCalling = false
    await phone.passes(RETRY_AT_MOST_MS)
    expect(phone.audio.readyState).toBe('live')
    expect(phone.interruptions).toEqual([true, false])
    expect(phone.state?.microphoneTrouble).toBeNull()
    await phone.passes(60_000)
    expect(phone.asked).toHaveLength(length + 1)
  })

  it('that only mutes the track is waited for, then the device is captured anew', async () => {
    const before = phone.audio
    before.mute(true)
    await phone.passes(MUTED_MS - 1)
    before.mute(false)
    await phone.passes(MUTED_MS)
    expect(phone.asked).toHaveLength(1)
    before.mute(true)
    await phone.passes(MUTED_MS)
    expect(phone.audio).not.toBe(before)
    expect(before.readyState, 'let go before the next is asked for').toBe('ended')
    expect(phone.interruptions).toEqual([true, false])
  })

  it('leaves no track that was born muted', async () => {
    phone.bornMuted = true
    phone.audio.end()
    await phone.passes(RETRY_MS + MUTED_MS)
    expect(phone.interruptions).toEqual([true])
    phone.bornMuted = false
    await phone.passes(RETRY_AT_MOST_MS)
    expect(phone.audio.muted).toBe(false)
    expect(phone.interruptions).toEqual([true, false])
  })

  it('is over when the muted track speaks again by itself', async () => {
    phone.bornMuted = true
    phone.audio.end()
    await settle()
    phone.audio.mute(false)
    expect(phone.interruptions).toEqual([true, false])
  })

  it('keeps what the person chose: who had muted stays muted', async () => {
    await phone.local.setMicrophone(false)
    phone.video.end()
    phone.audio.end()
    await settle()
    await phone.local.setMicrophone(true)
    expect(phone.audio.enabled).toBe(true)
    expect(phone.given.filter((one) => one.kind === 'audio').slice(1).every((one) => one.readyState === 'live')).toBe(true)
  })
})

/** Each of the three ways in which a telephone takes a device away, of each device and of both at once. */
describe.each([['audio'], ['video'], ['audio', 'video']] as const)('of %s', (...kinds) => {
  const tracks = (): FakeTrack[] => kinds.map((kind) => phone[kind])
  const areBack = (before: FakeTrack[]): void => {
    expect(tracks().map((one) => [one.readyState, one.muted])).toEqual(kinds.map(() => ['live', false]))
    expect(tracks().filter((one) => before.includes(one))).toEqual([])
    expect(phone.interruptions.at(-1)).toBe(false)
    expect([phone.state?.microphoneTrouble, phone.state?.cameraTrouble]).toEqual([null, null])
  }

  it('what ended by itself is captured anew as soon as whoever took it lets it go', async () => {
    const before = tracks()
    phone.isCalling = kinds.includes('audio' as never)
    phone.isFilming = kinds.includes('video' as never)
    for (const one of before) one.end()
    await phone.passes(60_000)
    expect(phone.interruptions).toEqual([true])
    phone.isCalling = phone.isFilming = false
    await phone.passes(RETRY_AT_MOST_MS)
    areBack(before)
  })

  it('what is only muted is captured anew after three seconds', async () => {
    const before = tracks()
    for (const one of before) one.mute(true)
    await phone.passes(MUTED_MS - 1)
    expect(phone.interruptions).toEqual([])
    await phone.passes(1)
    areBack(before)
    expect(phone.interruptions).toEqual([true, false])
    expect(before.every((one) => one.readyState === 'ended'), 'no device is held twice').toBe(true)
  })

  it('what a page in the background lost is asked for when it is seen again, and not before', async () => {
    const before = tracks()
    phone.isHidden = true
    for (const one of before) one.end()
    await phone.passes(60_000)
    expect(phone.asked, 'nothing is asked for meanwhile').toHaveLength(1)
    phone.isHidden = false
    await phone.local.revive()
    areBack(before)
  })
})

describe('a page in the background', () => {
  it('of a telephone asks for nothing and says nothing of its camera, and has both again when it is back', async () => {
    phone.isHidden = true
    phone.video.mute(true)
    await phone.passes(60_000)
    expect(phone.interruptions).toEqual([])
    phone.audio.end()
    await phone.passes(60_000)
    expect(phone.asked).toHaveLength(1)
    phone.isHidden = false
    await phone.local.revive()
    expect([phone.audio.readyState, phone.video.readyState, phone.video.muted]).toEqual(['live', 'live', false])
    expect(phone.interruptions).toEqual([true, false])
  })

  it('of a desktop goes on capturing', async () => {
    phone = new FakePhone(false)
    await phone.local.start({ microphone: true, camera: true })
    phone.isHidden = true
    phone.audio.end()
    await settle()
    expect(phone.audio.readyState).toBe('live')
  })
})

it('asks for nothing after it was stopped', async () => {
  phone.isCalling = true
  phone.audio.end()
  await settle()
  phone.local.stop()
  const { length } = phone.asked
  await phone.passes(60_000)
  expect(phone.asked).toHaveLength(length)
})
