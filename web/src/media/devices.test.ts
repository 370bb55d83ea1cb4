import { describe, expect, it, vi } from 'vitest'
import { canFlip, capture, troubleOf, type DeviceApi, type Wish } from './devices'

const track = (kind: string): MediaStreamTrack => ({ kind }) as MediaStreamTrack
const stream = (...kinds: string[]): MediaStream =>
  ({
    getTracks: () => kinds.map(track),
    getAudioTracks: () => kinds.filter((kind) => kind === 'audio').map(track),
    getVideoTracks: () => kinds.filter((kind) => kind === 'video').map(track),
  }) as unknown as MediaStream
const named = (name: string, message = ''): Error => Object.assign(new Error(message), { name })

function browser(getUserMedia: (wish: MediaStreamConstraints) => Promise<MediaStream>, permission: 'granted' | 'denied' | null = null): DeviceApi {
  return { mediaDevices: { getUserMedia: vi.fn(getUserMedia) as never, enumerateDevices: () => Promise.resolve([]) }, secure: true, permission: () => Promise.resolve(permission) }
}
const both: Wish = { microphone: true, camera: true, facing: 'user', small: false }

describe('capture', () => {
  it('asks once for both', async () => {
    const api = browser(() => Promise.resolve(stream('audio', 'video')))
    const got = await capture(api, both)
    expect([got.audio?.kind, got.video?.kind, got.cameraTrouble]).toEqual(['audio', 'video', null])
    expect(api.mediaDevices?.getUserMedia).toHaveBeenCalledOnce()
  })

  it('learns that only the camera is missing, and keeps the microphone', async () => {
    const api = browser((wish) => (wish.video ? Promise.reject(named('NotFoundError')) : Promise.resolve(stream('audio'))))
    expect(await capture(api, both)).toMatchObject({ audio: { kind: 'audio' }, video: null, cameraTrouble: 'not_found', microphoneTrouble: null })
  })

  it('learns that both are denied', async () => {
    const api = browser(() => Promise.reject(named('NotAllowedError', 'Permission denied')), 'denied')
    expect(await capture(api, both)).toMatchObject({ cameraTrouble: 'denied', microphoneTrouble: 'denied' })
  })

  it('takes any camera when none fits', async () => {
    const api = browser((wish) => (wish.video === true ? Promise.resolve(stream('video')) : Promise.reject(named('OverconstrainedError'))))
    expect(await capture(api, { ...both, microphone: false })).toMatchObject({ video: { kind: 'video' }, cameraTrouble: null })
  })

  it('asks a phone for a smaller picture, and for the camera on the wanted side', async () => {
    const api = browser(() => Promise.resolve(stream('video')))
    await capture(api, { microphone: false, camera: true, facing: 'environment', small: true })
    expect(api.mediaDevices?.getUserMedia).toHaveBeenCalledWith({ video: expect.objectContaining({ facingMode: 'environment', width: { ideal: 960, max: 1280 } }) })
  })

  it('says that plain HTTP is the reason, or an embedded browser', async () => {
    const api: DeviceApi = { mediaDevices: undefined, secure: false, permission: () => Promise.resolve(null) }
    expect(await capture(api, both)).toMatchObject({ cameraTrouble: 'insecure', microphoneTrouble: 'insecure' })
    expect(await capture({ ...api, secure: true }, { ...both, camera: false })).toMatchObject({ cameraTrouble: null, microphoneTrouble: 'unsupported' })
  })
})

describe('troubleOf', () => {
  it.each([
    ['NotAllowedError', 'Permission denied by system', null, 'denied_by_system'],
    ['NotAllowedError', 'Permission denied', 'granted', 'denied_by_system'],
    ['NotAllowedError', '', 'prompt', 'denied'],
    ['NotReadableError', '', null, 'busy'],
    ['AbortError', '', null, 'busy'],
    ['SecurityError', '', null, 'insecure'],
    ['TypeError', '', null, 'unsupported'],
    ['Strange', '', null, 'failed'],
  ])('calls %s (%s, permission %s) %s', async (name, message, permission, trouble) => {
    expect(await troubleOf(named(name, message), () => Promise.resolve(permission))).toBe(trouble)
  })
})

describe('canFlip', () => {
  it('needs two cameras', async () => {
    const api = (count: number): DeviceApi => ({
      mediaDevices: { enumerateDevices: () => Promise.resolve(Array.from({ length: count }, () => ({ kind: 'videoinput' }))) } as never,
      secure: true,
      permission: () => Promise.resolve(null),
    })
    expect(await canFlip(api(1))).toBe(false)
    expect(await canFlip(api(2))).toBe(true)
  })
})
