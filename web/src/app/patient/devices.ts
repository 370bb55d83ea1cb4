import type { DeviceCheck, NetworkVerdict } from '@/protocol/types'

/** Why the browser gave no camera or microphone, in kinds that have a help page. */
export type DeviceFault = 'denied' | 'missing' | 'busy' | 'insecure' | 'other'

export function deviceFault(name: string): DeviceFault {
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      return 'denied'
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return 'missing'
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return 'busy'
    case 'SecurityError':
    case 'NoMediaDevices':
      return 'insecure'
    default:
      return 'other'
  }
}

export type CameraState = 'unknown' | 'ok' | 'black' | 'off'
export type MicState = 'unknown' | 'ok' | 'silent' | 'off'
export type SpeakerState = 'unknown' | 'yes' | 'no'
export type NetworkState = 'unknown' | 'testing' | NetworkVerdict

/** The four lamps of the check before a call. */
export interface Lamps {
  camera: CameraState
  mic: MicState
  speaker: SpeakerState
  network: NetworkState
}

/** Whether the check may be left: everything was tried, whatever it found. */
export function tried(lamps: Lamps): boolean {
  return lamps.camera !== 'unknown' && (lamps.mic === 'ok' || lamps.mic === 'off') && lamps.speaker !== 'unknown' && lamps.network !== 'unknown' && lamps.network !== 'testing'
}

export function found(lamps: Lamps): DeviceCheck {
  return {
    camera: lamps.camera === 'ok',
    microphone: lamps.mic === 'ok',
    speaker: lamps.speaker === 'yes',
    network: lamps.network === 'unknown' || lamps.network === 'testing' ? 'untested' : lamps.network,
  }
}

/** Whether a picture, as RGBA bytes, is black: the lens is covered, or another program holds the camera. */
export function isBlack(rgba: Uint8ClampedArray): boolean {
  let sum = 0
  for (let i = 0; i < rgba.length; i += 4) sum += (rgba[i] ?? 0) * 0.3 + (rgba[i + 1] ?? 0) * 0.59 + (rgba[i + 2] ?? 0) * 0.11
  return sum / (rgba.length / 4) < 6
}

/** Loudness of samples in [-1, 1] as a share of the meter, 0 to 1: −50 dB is nothing, −10 dB is full. */
export function loudness(samples: Float32Array): number {
  const power = samples.reduce((sum, one) => sum + one * one, 0) / Math.max(1, samples.length)
  const decibel = 10 * Math.log10(Math.max(power, 1e-9))
  return Math.min(1, Math.max(0, (decibel + 50) / 40))
}

/** A voice is what was over the threshold for a third of a second in all, not one click. */
export const HEARD_SHARE = 0.3
export const HEARD_MS = 300

/** The network's verdict from what came back through the relay. */
export function verdict(loss: number, roundTripMs: number | null): NetworkVerdict {
  if (loss < 0.03 && (roundTripMs ?? 0) < 300) return 'good'
  if (loss < 0.1 && (roundTripMs ?? 0) < 800) return 'fair'
  return 'poor'
}
