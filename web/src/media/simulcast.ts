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
export function sendLayers(sender: RTCRtpSender, layers: readonly number[]): Promise<void> {
  return keep(sender, (all) => {
    for (const [at, one] of all.entries()) one.active = layers.includes(at)
  })
}

/** Lets the camera's encoders spend a budget, within what is watched (`null`: all). A small budget is for the smallest size alone. */
export function aim(sender: RTCRtpSender, watched: readonly number[] | null, budget: Budget | null): Promise<void> {
  const video = budget?.video ?? null
  const isNarrow = video !== null && video.shrink > 1
  return keep(sender, (all) => {
    for (const [at, one] of all.entries()) {
      const isWatched = watched === null || watched.includes(at)
      one.active = isNarrow && all.length > 1 ? at === 0 && (watched === null || watched.length > 0) : isWatched
      const size = SIZES[SIZES.length - all.length + at]
      if (!video || !size) continue
      one.maxBitrate = Math.min(size.maxBitrate, video.kbps * 1000)
      one.maxFramerate = Math.max(1, video.fps)
      one.scaleResolutionDownBy = isNarrow ? Math.max(size.scaleResolutionDownBy, video.shrink) : size.scaleResolutionDownBy
    }
  })
}

/** Lets the voice spend so much. */
export function limitVoice(sender: RTCRtpSender, budget: Budget): Promise<void> {
  return keep(sender, ([one]) => {
    if (one) one.maxBitrate = budget.audioKbps * 1000
  })
}

type Shape = (all: RTCRtpEncodingParameters[]) => void

/** What each sender should look like next, while a change of it is under way. */
const underWay = new WeakMap<RTCRtpSender, { next: Shape | null }>()
/** A browser that refuses so often cannot: it sends more than it should, and that is no fault. */
const TRIES = 3

/** Brings a sender into this shape. One change at a time; what is asked for meanwhile, or was refused, is not forgotten. */
async function keep(sender: RTCRtpSender, shape: Shape): Promise<void> {
  const earlier = underWay.get(sender)
  if (earlier) {
    earlier.next = shape
    return
  }
  const line: { next: Shape | null } = { next: shape }
  underWay.set(sender, line)
  try {
    for (let refusals = 0; line.next && refusals < TRIES; ) {
      const wanted = line.next
      line.next = null
      // Before the first answer some browsers know no parameters that they would let one set; after it the peer says it again.
      const parameters = sender.getParameters?.()
      const all = parameters?.encodings ?? []
      if (!parameters || all.length === 0) break
      const before = JSON.stringify(all)
      wanted(all)
      if (JSON.stringify(all) === before) continue
      try {
        await sender.setParameters(parameters)
      } catch {
        refusals += 1
        line.next ??= wanted
      }
    }
  } finally {
    underWay.delete(sender)
  }
}
