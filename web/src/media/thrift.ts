// Voice first: on a very weak network the own picture is paused, and comes back by itself.

import type { Measure } from './stats'

export const WEAK_KBPS = 150
export const WEAK_LOSS = 0.12
export const WEAK_FOR_MS = 8_000
export const STRONG_KBPS = 400
export const STRONG_FOR_MS = 15_000

export interface Thrift {
  paused: boolean
  /** Since when the network has asked for the other state. */
  since: number | null
}

export const generous: Thrift = { paused: false, since: null }

export function weigh(thrift: Thrift, measure: Measure, now: number): Thrift {
  const kbps = measure.available === null ? null : measure.available / 1000
  const loss = Math.max(measure.loss, measure.lossOut)
  const asks = thrift.paused ? loss < WEAK_LOSS / 2 && (kbps === null || kbps > STRONG_KBPS || measure.kbpsOut < kbps / 2) : loss > WEAK_LOSS || (kbps !== null && kbps < WEAK_KBPS)
  if (!asks) return { ...thrift, since: null }
  const since = thrift.since ?? now
  const patience = thrift.paused ? STRONG_FOR_MS : WEAK_FOR_MS
  return now - since >= patience ? { paused: !thrift.paused, since: null } : { ...thrift, since }
}
