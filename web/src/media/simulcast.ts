// The own camera in up to three sizes; only those that somebody watches are sent.

import type { Budget } from './ladder'

export interface Encoding {
  rid: string
  scaleResolutionDownBy: number
  maxBitrate: number
}

/** From small to large: the relay counts them in this order. */
const SIZES: readonly Encoding[] = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
]

/** A machine with few cores offers two sizes, for each one is encoded by itself. */
export function encodings(cores: number | undefined): RTCRtpEncodingParameters[] {
  return SIZES.slice(cores !== undefined && cores <= 2 ? 1 : 0).map((one) => ({ ...one }))
}

/** Sends these layers, by their place from 0, and no others. */
export async function sendLayers(sender: RTCRtpSender, layers: readonly number[]): Promise<void> {
  const parameters = sender.getParameters()
  const changed = (parameters.encodings ?? []).filter((one, at) => (one.active ?? true) !== layers.includes(at))
  if (changed.length === 0) return
  for (const one of changed) one.active = !(one.active ?? true)
  // A browser that cannot, sends more than is watched; that is no fault.
  await sender.setParameters(parameters).catch(() => undefined)
}

/** Lets the camera's encoders spend a budget, within what is watched (`null`: all). A small budget is for the smallest size alone. */
export async function aim(sender: RTCRtpSender, watched: readonly number[] | null, budget: Budget | null): Promise<void> {
  // Before the first answer some browsers know no parameters that they would let one set.
  const parameters = sender.getParameters?.()
  const all = parameters?.encodings ?? []
  if (!parameters || all.length === 0) return
  const video = budget?.video ?? null
  const isNarrow = video !== null && video.shrink > 1
  const before = JSON.stringify(all)
  for (const [at, one] of all.entries()) {
    const isWatched = watched === null || watched.includes(at)
    one.active = isNarrow && all.length > 1 ? at === 0 && (watched === null || watched.length > 0) : isWatched
    const size = SIZES[SIZES.length - all.length + at]
    if (!video || !size) continue
    one.maxBitrate = Math.min(size.maxBitrate, video.kbps * 1000)
    one.maxFramerate = Math.max(1, video.fps)
    one.scaleResolutionDownBy = isNarrow ? Math.max(size.scaleResolutionDownBy, video.shrink) : size.scaleResolutionDownBy
  }
  if (JSON.stringify(all) === before) return
  // A browser that cannot, sends more than it should; that is no fault.
  await sender.setParameters(parameters).catch(() => undefined)
}

/** Lets the voice spend so much. */
export async function limitVoice(sender: RTCRtpSender, budget: Budget): Promise<void> {
  const parameters = sender.getParameters?.()
  const [one] = parameters?.encodings ?? []
  if (!parameters || !one || one.maxBitrate === budget.audioKbps * 1000) return
  one.maxBitrate = budget.audioKbps * 1000
  await sender.setParameters(parameters).catch(() => undefined)
}
