// The check before a call: a few seconds through our own relay and back, and a verdict in words.

import type { NetworkVerdict } from '@/protocol/types'
import { compare, read, type Reading, type Report } from './stats'

export interface LoopbackVerdict {
  network: NetworkVerdict
  rttMs: number | null
  /** 0–1. */
  loss: number
  kbps: number
  /** A picture came back that is not black. */
  camera: boolean
  /** A voice came back. */
  voice: boolean
}

export const LOOPBACK_MS = 5_000

/** The verdict over a stretch of readings, by the limits of the protocol. */
export function judge(readings: readonly Reading[], camera: boolean, voice: boolean): LoopbackVerdict {
  const first = readings[0]
  const last = readings.at(-1)
  if (!first || !last || first === last) return { network: 'none', rttMs: null, loss: 0, kbps: 0, camera, voice }
  const { loss, received, kbpsIn } = compare(first, last)
  const known = readings.flatMap((one) => (one.rtt === null ? [] : [one.rtt * 1000])).sort((a, b) => a - b)
  const rttMs = known.length === 0 ? null : (known[Math.floor(known.length / 2)] ?? null)
  const rtt = rttMs ?? 0
  const network: NetworkVerdict = received === 0 ? 'none' : loss < 0.03 && rtt < 300 ? 'good' : loss < 0.1 && rtt < 800 ? 'fair' : 'poor'
  return { network, rttMs: rttMs === null ? null : Math.round(rttMs), loss, kbps: Math.round(kbpsIn), camera, voice }
}

/** Whether pixels (RGBA) show anything at all: a covered lens and a broken driver are black. */
export function isPicture(pixels: ArrayLike<number>): boolean {
  let brightest = 0
  for (let at = 0; at + 2 < pixels.length; at += 4) {
    brightest = Math.max(brightest, (pixels[at] ?? 0) * 0.3 + (pixels[at + 1] ?? 0) * 0.59 + (pixels[at + 2] ?? 0) * 0.11)
  }
  return brightest > 24
}

export interface Sampler {
  stats: () => Promise<Report>
  /** The returned picture, small; `null` before the first frame. */
  pixels: () => ArrayLike<number> | null
  /** The loudness of the returned sound, 0–1. */
  level: () => number
  now: () => number
  wait: (ms: number) => Promise<void>
}

/** Watches what comes back. Ends early when everything is proved. */
export async function watchLoopback(sampler: Sampler, voiceFrom: number, forMs = LOOPBACK_MS): Promise<LoopbackVerdict> {
  const readings: Reading[] = []
  const until = sampler.now() + forMs
  let camera = false
  let voice = false
  while (sampler.now() < until) {
    readings.push(read(await sampler.stats(), sampler.now()))
    const pixels = sampler.pixels()
    camera ||= pixels !== null && isPicture(pixels)
    voice ||= sampler.level() >= voiceFrom
    await sampler.wait(250)
  }
  return judge(readings, camera, voice)
}
