// Whether packets still come, as a value. Looked at often, for a browser itself believes in a dead path for seconds.

export const LOOK_MS = 100
/** What came with every look, and then did not for so long, may have lost its way. */
export const QUIET_MS = 400
/** So many looks in a row that each felt a beat make it steady: pauses of discontinuous speech never do, nor does a path so narrow
 *  that most is lost, which another path in the same place would not help. */
const STEADY = 10
/** What was missed for less than this was no hole in the network. */
export const HOLE_MS = 800
/** A path that was sought in vain is sought again after this, and each time later; who fell silent for good is not sought for ever. */
const AGAIN_MS = 1_000
const TRIES = 4

export interface Pulse {
  /** What was seen last, in whatever words: another one is a beat. */
  mark: string
  at: number
  /** Looks in a row that felt a beat. */
  beats: number
  doubtedAt: number | null
  /** How often it was doubted since it stopped. */
  misses: number
}

export const still: Pulse = { mark: '', at: 0, beats: 0, doubtedAt: null, misses: 0 }

/** Feels once more. `doubts`: it was steady, and stopped. `returns`: what was missed beats again. */
export function feel(pulse: Pulse, mark: string, now: number): { pulse: Pulse; doubts: boolean; returns: boolean } {
  if (mark !== pulse.mark) {
    // A page that slept looks late, and cannot say that anything was steady.
    const isSteady = now - pulse.at < 2 * LOOK_MS
    return { pulse: { ...pulse, mark, at: now, beats: isSteady ? pulse.beats + 1 : 1, misses: 0 }, doubts: false, returns: pulse.misses > 0 && now - pulse.at >= HOLE_MS }
  }
  if (now - pulse.at < QUIET_MS) return { pulse, doubts: false, returns: false }
  const isMissed = pulse.misses === 0 ? pulse.beats >= STEADY : pulse.misses < TRIES
  const wait = AGAIN_MS * 2 ** Math.max(0, pulse.misses - 1)
  const doubts = isMissed && (pulse.doubtedAt === null || now - pulse.doubtedAt >= wait)
  return { pulse: doubts ? { ...pulse, beats: 0, doubtedAt: now, misses: pulse.misses + 1 } : pulse, doubts, returns: false }
}

/** What the receivers noted of their last packets: cheap, where the whole statistics are not. */
export function markOf(pc: RTCPeerConnection): string {
  return pc.getReceivers().map((one) => (one.getSynchronizationSources?.() ?? []).map((source) => `${source.source}:${source.rtpTimestamp}`).join()).join('|')
}
