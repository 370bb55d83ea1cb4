// Cameras and microphones: one question to the person, and an answer that says which of the two failed and why.

import type { DeviceTrouble } from '@/protocol/live'

/** What the browser offers, handed in so that tests can be any browser. */
export interface DeviceApi {
  /** `undefined` on plain HTTP and in some embedded browsers. */
  mediaDevices: Pick<MediaDevices, 'getUserMedia' | 'enumerateDevices'> | undefined
  secure: boolean
  /** What the person said to this site; `null` where the browser does not tell. */
  permission: (name: 'camera' | 'microphone') => Promise<'granted' | 'denied' | 'prompt' | null>
}

export type Facing = 'user' | 'environment'
export interface Wish {
  microphone: boolean
  camera: boolean
  facing: Facing
  /** A phone: 960×540 will do. */
  small: boolean
}
export interface Captured {
  audio: MediaStreamTrack | null
  video: MediaStreamTrack | null
  microphoneTrouble: DeviceTrouble | null
  cameraTrouble: DeviceTrouble | null
}

/** Asks once for both; when that fails, for each alone, to learn which of them failed. */
export async function capture(api: DeviceApi, wish: Wish): Promise<Captured> {
  const nothing: Captured = { audio: null, video: null, microphoneTrouble: null, cameraTrouble: null }
  if (!wish.microphone && !wish.camera) return nothing
  const devices = api.mediaDevices
  if (!devices?.getUserMedia) {
    const trouble = api.secure ? 'unsupported' : 'insecure'
    return { ...nothing, microphoneTrouble: wish.microphone ? trouble : null, cameraTrouble: wish.camera ? trouble : null }
  }
  const audio = wish.microphone ? VOICE : false
  if (wish.microphone && wish.camera) {
    try {
      return tracksOf(await devices.getUserMedia({ audio, video: picture(wish) }))
    } catch {
      // Learnt below, one by one.
    }
  }
  // One after the other: two prompts at once confuse people, and Safari.
  const first = wish.microphone ? await one(api, 'microphone', { audio }) : null
  const second = wish.camera ? await camera(api, wish) : null
  return {
    audio: first?.track ?? null,
    video: second?.track ?? null,
    microphoneTrouble: first?.trouble ?? null,
    cameraTrouble: second?.trouble ?? null,
  }
}

/** Echo and noise are the phone's business; mono, because a voice is. */
const VOICE: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 }

function picture(wish: Wish): MediaTrackConstraints {
  // More than 720p makes Safari 17 unstable (WebKit 263015), and a fever clinic has no use for it.
  const size = wish.small ? { width: { ideal: 960, max: 1280 }, height: { ideal: 540, max: 720 } } : { width: { ideal: 1280, max: 1280 }, height: { ideal: 720, max: 720 } }
  return { ...size, frameRate: { ideal: 24, max: 30 }, facingMode: wish.facing }
}

type One = { track: MediaStreamTrack | null; trouble: DeviceTrouble | null }

async function camera(api: DeviceApi, wish: Wish): Promise<One> {
  const exact = await one(api, 'camera', { video: picture(wish) })
  return exact.trouble === 'constrained' ? await one(api, 'camera', { video: true }) : exact
}

async function one(api: DeviceApi, name: 'camera' | 'microphone', constraints: MediaStreamConstraints): Promise<One> {
  try {
    const stream = await api.mediaDevices?.getUserMedia(constraints)
    return { track: stream?.getTracks()[0] ?? null, trouble: stream ? null : 'unsupported' }
  } catch (cause) {
    return { track: null, trouble: await troubleOf(cause, () => api.permission(name)) }
  }
}

function tracksOf(stream: MediaStream): Captured {
  return { audio: stream.getAudioTracks()[0] ?? null, video: stream.getVideoTracks()[0] ?? null, microphoneTrouble: null, cameraTrouble: null }
}

/** The browser's name of a failure as one of ours. */
export async function troubleOf(cause: unknown, permission: () => Promise<string | null>): Promise<DeviceTrouble> {
  const { name = '', message = '' } = cause instanceof Error || cause instanceof DOMException ? cause : {}
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      // The site may, the system does not let the browser: another page of help.
      if (/system/i.test(message)) return 'denied_by_system'
      return (await permission().catch(() => null)) === 'granted' ? 'denied_by_system' : 'denied'
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return 'not_found'
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return 'busy'
    case 'OverconstrainedError':
    case 'ConstraintNotSatisfiedError':
      return 'constrained'
    case 'SecurityError':
      return 'insecure'
    case 'TypeError':
      return 'unsupported'
    default:
      return 'failed'
  }
}

/** Whether there is another camera to flip to. Only known after the first capture: labels and counts are hidden before. */
export async function canFlip(api: DeviceApi): Promise<boolean> {
  try {
    const all = (await api.mediaDevices?.enumerateDevices()) ?? []
    return all.filter((device) => device.kind === 'videoinput').length > 1
  } catch {
    return false
  }
}

/** The browser that this page runs in. */
export function browserDevices(): DeviceApi {
  return {
    mediaDevices: navigator.mediaDevices as MediaDevices | undefined,
    secure: window.isSecureContext,
    async permission(name) {
      try {
        return (await navigator.permissions.query({ name: name as PermissionName })).state
      } catch {
        return null
      }
    },
  }
}
