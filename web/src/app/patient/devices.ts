import type { DeviceTrouble } from '@/protocol/live'
import type { DeviceCheck, NetworkVerdict } from '@/protocol/types'

/** The kinds of trouble that have a help page each. */
export type DeviceFault = 'denied' | 'system' | 'missing' | 'busy' | 'insecure' | 'other'

/** What the check may find besides; each has its help page too. */
export type CheckFault = 'black' | 'silent' | 'unheard' | 'weak' | 'blocked'
export type HelpTopic = DeviceFault | CheckFault

export function deviceFault(trouble: DeviceTrouble): DeviceFault {
  switch (trouble) {
    case 'denied':
    case 'busy':
      return trouble
    case 'denied_by_system':
      return 'system'
    case 'not_found':
    case 'constrained':
      return 'missing'
    case 'insecure':
    case 'unsupported':
      return 'insecure'
    case 'failed':
      return 'other'
    default:
      return trouble satisfies never
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

/** What is wrong with a lamp, if anything. */
export const HELP = {
  camera: (lamps: Lamps): CheckFault | null => (lamps.camera === 'black' ? 'black' : null),
  mic: (lamps: Lamps): CheckFault | null => (lamps.mic === 'silent' ? 'silent' : null),
  speaker: (lamps: Lamps): CheckFault | null => (lamps.speaker === 'no' ? 'unheard' : null),
  network: (lamps: Lamps): CheckFault | null => (lamps.network === 'poor' ? 'weak' : lamps.network === 'none' ? 'blocked' : null),
} as const

export type Lamp = keyof Lamps

/** What is still to be tried, in the order of the rows. */
export function untried(lamps: Lamps): Lamp[] {
  const isOpen: Record<Lamp, boolean> = {
    camera: lamps.camera === 'unknown',
    mic: lamps.mic !== 'ok' && lamps.mic !== 'off',
    speaker: lamps.speaker === 'unknown',
    network: lamps.network === 'unknown' || lamps.network === 'testing',
  }
  return (['camera', 'mic', 'speaker', 'network'] as const).filter((lamp) => isOpen[lamp])
}

/** Whether the check may be left: everything was tried, whatever it found. */
export function tried(lamps: Lamps): boolean {
  return untried(lamps).length === 0
}

export function found(lamps: Lamps): DeviceCheck {
  return {
    camera: lamps.camera === 'ok',
    microphone: lamps.mic === 'ok',
    speaker: lamps.speaker === 'yes',
    network: lamps.network === 'unknown' || lamps.network === 'testing' ? 'untested' : lamps.network,
  }
}

/** Voice only was chosen before anything was tried: what is not good was not found bad either. */
export function isUntried(check: DeviceCheck, lamp: 'microphone' | 'speaker'): boolean {
  return check.network === 'untested' && !check.microphone && !check[lamp]
}

/** How long somebody was loud so far, ms: it grows while they are and wanes slowly, so that a click is no voice. */
export function heardFor(before: number, level: number, threshold: number, stepMs: number): number {
  return Math.max(0, before + (level >= threshold ? stepMs : -stepMs / 10))
}
/** A voice is this long in all. */
export const HEARD_MS = 300
/** After so long without a voice the microphone is called silent. */
export const SILENT_MS = 8_000
