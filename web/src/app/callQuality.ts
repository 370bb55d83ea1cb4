import { BUDGET, climb, ground, rejoin, type Rung } from '@/media/ladder'
import { compare, POLL_MS, read, smooth, unmeasured, type Reading, type Report } from '@/media/stats'
import type { Quality } from '@/protocol/live'

export interface QualityWatch {
  /** The connection, while it is connected. */
  connection: () => RTCPeerConnection | null
  /** Nobody watches the own picture, and little is sent for that reason alone. */
  rests: () => boolean
  /** Whether the others hear what is said now. */
  isLinked: () => boolean
  /** Whether somebody else sends something. */
  expecting: () => boolean
  quality: (word: Quality) => void
  /** What of the own media the network bears now. */
  rung: (rung: Rung) => void
  /** On a network that bears no moving picture next to nothing is lost. */
  clear: () => void
}

/** Of what is sent, at most. */
const CLEAR = 0.05

/** Measures the call every two seconds until stopped. */
export function watchQuality(call: QualityWatch): { stop: () => void; forgive: () => void } {
  let before: { pc: RTCPeerConnection; reading: Reading } | null = null
  let smoothed = unmeasured
  let ladder = ground
  async function look(): Promise<void> {
    const pc = call.connection()
    if (!pc) {
      before = null
      ladder = rejoin(ladder)
      return
    }
    const report = await pc.getStats().catch(() => null)
    if (!report) return
    const now = Date.now()
    const reading = read(report as unknown as Report, now)
    const last = before
    before = { pc, reading }
    if (last?.pc !== pc) return
    const measure = compare(last.reading, reading)
    smoothed = smooth(smoothed, measure, call.expecting(), now)
    call.quality(smoothed.quality)
    // The browser's estimate shrinks to what is sent: a camera that rests for somebody else's network says nothing of the own.
    const next = climb(ladder, call.rests() ? { ...measure, available: null } : measure, now, call.isLinked())
    const hasMoved = next.rung !== ladder.rung
    ladder = next
    if (hasMoved) call.rung(next.rung)
    if (BUDGET[next.rung].video === null && measure.lossOut <= CLEAR) call.clear()
  }
  const timer = setInterval(() => void look(), POLL_MS)
  return {
    stop: () => clearInterval(timer),
    // The person wants the picture now: the network is judged anew.
    forgive: () => (ladder = ground),
  }
}
