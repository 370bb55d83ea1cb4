// What of the own media the network bears, as a value. Down at once where it hurts, up only after patience that grows with
// every climb that failed: it never flaps.

import type { Rung } from '@/protocol/live'
import type { Measure } from './stats'

/** Best first. `still`: one picture every two seconds by way of the socket, all together at most 64 kbit/s. `phone`: nothing helps any more. */
export const RUNGS: readonly Rung[] = ['full', 'low', 'voice', 'still', 'phone']
export type { Rung }

/** What each rung lets the encoders spend; `null`: no picture. `shrink`: the picture's height in this part at most. */
export interface Budget {
  video: { kbps: number; fps: number; shrink: number } | null
  audioKbps: number
  /** Milliseconds of voice in a packet: what stands around each costs as much as a poor voice, fifty times a second. */
  audioMs: number
}
export const BUDGET: Record<Rung, Budget> = {
  full: { video: { kbps: 1500, fps: 30, shrink: 1 }, audioKbps: 48, audioMs: 20 },
  low: { video: { kbps: 250, fps: 15, shrink: 2 }, audioKbps: 32, audioMs: 20 },
  voice: { video: null, audioKbps: 32, audioMs: 20 },
  // No video: below some 64 kbit/s a browser sends none. The stills go by the socket (`stills.ts`).
  still: { video: null, audioKbps: 16, audioMs: 60 },
  phone: { video: null, audioKbps: 16, audioMs: 60 },
}

/** How often a still is taken, and how many letters it has on the socket at most. */
export const STILL = { ms: 2_000, letters: 5_000 }

/** Whether the rung shows the camera, be it in stills. */
export function isPictured(rung: Rung): boolean {
  return rung === 'still' || BUDGET[rung].video !== null
}

/** What may be spent where the own network bears one rung and those of the others bear these: nobody is sent more of a voice than passes. */
export function budgetOf(own: Rung, others: readonly Rung[]): Budget {
  const all = [own, ...others].map((rung) => BUDGET[rung])
  const audioKbps = Math.min(...all.map((one) => one.audioKbps))
  const audioMs = Math.max(...all.map((one) => one.audioMs))
  return { ...BUDGET[own], audioKbps, audioMs }
}

/** Below this many kbit/s, or above this share of loss, a rung does not hold. The kbit/s count only while the picture suffers: a still room needs few. */
const HOLDS: Record<Rung, { kbps: number; loss: number }> = {
  full: { kbps: 350, loss: 0.08 },
  low: { kbps: 150, loss: 0.12 },
  voice: { kbps: 60, loss: 0.12 },
  still: { kbps: 25, loss: 0.35 },
  phone: { kbps: 0, loss: 1.1 },
}
/** The rung above must hold with this to spare before it is tried. */
const SPARE = { kbps: 1.3, loss: 0.6 }

/** So long must the trouble last before a step down, */
export const DOWN_AFTER_MS = 6_000
/** but so long where the voice itself drowns: what is sent beyond what passes takes the socket along. */
export const DROWNED_AFTER_MS = 2_000
const DROWNED = 0.25
/** and so long the good times before a step up. Doubled by every climb that did not last. */
export const UP_AFTER_MS = 12_000
export const UP_AT_MOST_MS = 96_000
/** A climb that lasted so long has not failed. */
const PROVED_MS = 30_000

export interface Ladder {
  rung: Rung
  /** Since when the network has asked for the next rung down, or up. */
  downSince: number | null
  upSince: number | null
  patience: number
  climbedAt: number | null
}

export const ground: Ladder = { rung: 'full', downSince: null, upSince: null, patience: UP_AFTER_MS, climbedAt: null }

/** The connection broke, and there is another: the rung stays, for a new network shows soon enough that it bears more, and what
 *  drowned a weak one would drown it again. */
export function rejoin({ rung }: Ladder): Ladder {
  return { ...ground, rung }
}

/** `isTold`: the others hear of a change. Upwards nobody goes unheard: what is sent on trial takes the way from the socket that comes. */
export function climb(ladder: Ladder, measured: Measure, now: number, isTold = true): Ladder {
  // Without a moving picture next to nothing is sent, and the browser's estimate shrinks to that: loss tells, or a try.
  const isBlind = BUDGET[ladder.rung].video === null
  const measure = isBlind ? { ...measured, available: null } : measured
  const at = RUNGS.indexOf(ladder.rung)
  const above = RUNGS[at - 1]
  const below = RUNGS[at + 1]
  const isProved = ladder.climbedAt !== null && now - ladder.climbedAt >= PROVED_MS
  const next: Ladder = isProved ? { ...ladder, climbedAt: null, patience: UP_AFTER_MS } : ladder
  if (below !== undefined && !(holds(ladder.rung, measure, 1, 1) && !isCut(ladder.rung, measure))) {
    const downSince = next.downSince ?? now
    const isDrowned = ladder.rung === 'voice' && measure.lossOut >= DROWNED
    if (now - downSince < (isDrowned ? DROWNED_AFTER_MS : DOWN_AFTER_MS)) return { ...next, downSince, upSince: null }
    const patience = next.climbedAt === null ? next.patience : Math.min(UP_AT_MOST_MS, next.patience * 2)
    return { rung: below, downSince: null, upSince: null, patience, climbedAt: null }
  }
  if (above !== undefined && holds(above, measure, SPARE.kbps, SPARE.loss)) {
    const upSince = next.upSince ?? now
    if (!isTold || now - upSince < next.patience) return { ...next, upSince, downSince: null }
    return { ...next, rung: above, downSince: null, upSince: null, climbedAt: now }
  }
  return { ...next, downSince: null, upSince: null }
}

/** The browser cuts the full picture by itself where the bits are few, and looks well with it: the lower rung in all but name.
 *  Below the full picture it is our own budget that cuts. */
function isCut(rung: Rung, { shrinks, available }: Measure): boolean {
  return rung === 'full' && shrinks && available !== null && available / 1000 < HOLDS.full.kbps
}

/** The browser's estimate follows what is sent: one that is not half filled, or with which the picture is well, says nothing. */
function holds(rung: Rung, { lossOut, available, kbpsOut, suffers }: Measure, spareKbps: number, spareLoss: number): boolean {
  const kbps = available === null ? null : available / 1000
  const isWide = kbps === null || kbps >= HOLDS[rung].kbps * spareKbps || kbpsOut < kbps / 2 || !suffers
  // What does not arrive may have been lost on the other side's way to the server: that is no weakness of the own network.
  return isWide && lossOut <= HOLDS[rung].loss * spareLoss
}
