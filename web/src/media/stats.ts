// How well the call works, from the browser's statistics: read, compared with the last reading, graded, smoothed.

import type { Quality } from '@/protocol/live'

export const POLL_MS = 2_000
/** A better grade is believed after this. A worse one at once. */
export const RISE_MS = 6_000
/** So many readings without a packet are a loss, not a silence. */
export const SILENT_READINGS = 3

/** The relay reports each second on what it gets; so long without a report is no chance, however many are lost. */
export const UNSAID_MS = 3_500

/** From here on (of 127) VP8 is coarse enough for a person to see it. */
const COARSE_QP = 50
/** H.264 counts to 51. Chromium takes 29 to 95 of VP8 for a picture that is neither too fine nor too coarse, and 24 to 37 of
 *  H.264: what stands at 50 there stands at 28 here. */
const COARSE_QP_H264 = 28

/** Counters since the beginning, as the browser keeps them. */
export interface Reading {
  at: number
  received: number
  lost: number
  bytesIn: number
  bytesOut: number
  freezes: number
  framesDecoded: number
  /** Seconds; `null` when not known yet. */
  rtt: number | null
  /** Share of our own packets that the relay misses, 0–1. */
  lossOut: number | null
  /** Milliseconds since the relay last said so; `null` where it never did. */
  unsaid: number | null
  /** Bits a second that the browser believes it may send. */
  available: number | null
  /** Pictures encoded, and the sum of how coarse each is, as VP8 counts it; `null` where the browser does not say. */
  encoded: number
  coarseness: number | null
  /** The browser sends a smaller picture than it was asked for, for want of bits, or leaves its largest out. */
  isShrunk: boolean
}

/** What happened between two readings. */
export interface Measure {
  /** Share of packets that did not arrive, 0–1. */
  loss: number
  lossOut: number
  rttMs: number | null
  fps: number
  kbpsIn: number
  kbpsOut: number
  freezes: number
  received: number
  available: number | null
  /** The own picture is coarser than it should be, or nobody knows. */
  suffers: boolean
  /** The browser itself made the own picture smaller, for want of bits. */
  shrinks: boolean
}

/** Firefox's report has `forEach` and nothing else that is safe. */
export interface Report {
  forEach(each: (stat: Record<string, unknown>) => void): void
}

export function read(report: Report, at: number): Reading {
  const reading: Reading = { at, received: 0, lost: 0, bytesIn: 0, bytesOut: 0, freezes: 0, framesDecoded: 0, rtt: null, lossOut: null, unsaid: null, available: null, encoded: 0, coarseness: null, isShrunk: false }
  const h264 = new Set<unknown>()
  const [measuredAt, saidAt]: [number[], number[]] = [[], []]
  report.forEach((stat) => {
    if (typeof stat['timestamp'] === 'number') (stat['type'] === 'remote-inbound-rtp' ? saidAt : measuredAt).push(stat['timestamp'])
    if (stat['type'] === 'codec' && String(stat['mimeType']).toLowerCase() === 'video/h264') h264.add(stat['id'])
  })
  report.forEach((stat) => {
    const value = (name: string): number => (typeof stat[name] === 'number' ? stat[name] : 0)
    switch (stat['type']) {
      case 'inbound-rtp':
        reading.received += value('packetsReceived')
        reading.lost += Math.max(0, value('packetsLost'))
        reading.bytesIn += value('bytesReceived')
        reading.freezes += value('freezeCount')
        reading.framesDecoded += value('framesDecoded')
        break
      case 'outbound-rtp':
        reading.bytesOut += value('bytesSent')
        reading.encoded += value('framesEncoded')
        // Firefox does not say it.
        if (stat['kind'] === 'video' && stat['qualityLimitationReason'] === 'bandwidth') reading.isShrunk = true
        if (typeof stat['qpSum'] === 'number') reading.coarseness = (reading.coarseness ?? 0) + stat['qpSum'] * (h264.has(stat['codecId']) ? COARSE_QP / COARSE_QP_H264 : 1)
        break
      case 'remote-inbound-rtp':
        if (typeof stat['fractionLost'] === 'number') reading.lossOut = Math.max(reading.lossOut ?? 0, stat['fractionLost'])
        if (typeof stat['roundTripTime'] === 'number') reading.rtt ??= stat['roundTripTime']
        break
      case 'candidate-pair':
        if (stat['nominated'] === true && stat['state'] === 'succeeded') {
          if (typeof stat['currentRoundTripTime'] === 'number') reading.rtt = stat['currentRoundTripTime']
          if (typeof stat['availableOutgoingBitrate'] === 'number') reading.available = stat['availableOutgoingBitrate']
        }
        break
    }
  })
  // Both by the browser's own clock.
  if (saidAt.length > 0) reading.unsaid = Math.max(0, Math.max(...measuredAt) - Math.max(...saidAt))
  return reading
}

export function compare(before: Reading, now: Reading): Measure {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000)
  // A new connection starts its counters at nought.
  const grown = (a: number, b: number): number => Math.max(0, b - a)
  const received = grown(before.received, now.received)
  const lost = grown(before.lost, now.lost)
  const bytesOut = grown(before.bytesOut, now.bytesOut)
  return {
    loss: received + lost === 0 ? 0 : lost / (received + lost),
    // Whose packets nobody says anything of any more loses them, or the word on them.
    lossOut: bytesOut > 0 && (now.unsaid ?? 0) >= UNSAID_MS ? 1 : (now.lossOut ?? 0),
    rttMs: now.rtt === null ? null : now.rtt * 1000,
    fps: grown(before.framesDecoded, now.framesDecoded) / seconds,
    kbpsIn: (grown(before.bytesIn, now.bytesIn) * 8) / seconds / 1000,
    kbpsOut: (bytesOut * 8) / seconds / 1000,
    freezes: grown(before.freezes, now.freezes),
    received,
    available: now.available,
    suffers: suffers(before, now),
    shrinks: now.isShrunk,
  }
}

function suffers(before: Reading, now: Reading): boolean {
  if (now.coarseness === null) return true
  const encoded = now.encoded - before.encoded
  // A browser that encodes nothing at all may lack the bits for it.
  return encoded <= 0 || (now.coarseness - (before.coarseness ?? 0)) / encoded >= COARSE_QP
}

/** Good below 3 % loss and 300 ms without freezes; poor from 10 % or 800 ms on. */
export function grade(measure: Measure): Exclude<Quality, 'unknown' | 'lost'> {
  const loss = Math.max(measure.loss, measure.lossOut)
  const rtt = measure.rttMs ?? 0
  if (loss >= 0.1 || rtt >= 800) return 'poor'
  return loss < 0.03 && rtt < 300 && measure.freezes === 0 ? 'good' : 'fair'
}

export interface Smoothed {
  quality: Quality
  /** Since when the grade would be better. */
  betterSince: number | null
  silent: number
}

export const unmeasured: Smoothed = { quality: 'unknown', betterSince: null, silent: 0 }
const ORDER: Record<Quality, number> = { lost: 0, poor: 1, fair: 2, good: 3, unknown: 4 }

/** `expecting`: somebody else sends, so silence is a loss. */
export function smooth(before: Smoothed, measure: Measure, expecting: boolean, now: number): Smoothed {
  const silent = expecting && measure.received === 0 ? before.silent + 1 : 0
  if (silent >= SILENT_READINGS) return { quality: 'lost', betterSince: null, silent }
  const next = grade(measure)
  if (before.quality === 'unknown' || ORDER[next] < ORDER[before.quality]) return { quality: next, betterSince: null, silent }
  if (next === before.quality) return { ...before, betterSince: null, silent }
  const betterSince = before.betterSince ?? now
  return now - betterSince >= RISE_MS ? { quality: next, betterSince: null, silent } : { ...before, betterSince, silent }
}
