// Whether packets still come, as a value. Looked at often, for a browser itself believes in a dead path for seconds.

export const LOOK_MS = 100
/** What came with every look, and then did not for so long, may have lost its way. */
export const QUIET_MS = 400
/** So many looks in a row make it steady: pauses of discontinuous speech never do. */
const STEADY = 10
/** A path that was sought in vain is not sought at every look. */
const AGAIN_MS = 5_000

export interface Pulse {
  /** What was seen last, in whatever words: another one is a beat. */
  mark: string
  at: number
  /** Looks in a row that felt a beat. */
  beats: number
  doubtedAt: number | null
  /** It stopped, and that was told. */
  misses: boolean
}

export const still: Pulse = { mark: '', at: 0, beats: 0, doubtedAt: null, misses: false }

/** Feels once more. `doubts`: it was steady, and stopped. `returns`: what was missed beats again. */
export function feel(pulse: Pulse, mark: string, now: number): { pulse: Pulse; doubts: boolean; returns: boolean } {
  if (mark !== pulse.mark) {
    // A page that slept looks late, and cannot say that anything was steady.
    const isSteady = now - pulse.at < 3 * LOOK_MS
    return { pulse: { ...pulse, mark, at: now, beats: isSteady ? pulse.beats + 1 : 1, misses: false }, doubts: false, returns: pulse.misses }
  }
  if (now - pulse.at < QUIET_MS) return { pulse, doubts: false, returns: false }
  const doubts = pulse.beats >= STEADY && (pulse.doubtedAt === null || now - pulse.doubtedAt >= AGAIN_MS)
  return { pulse: { ...pulse, beats: 0, doubtedAt: doubts ? now : pulse.doubtedAt, misses: pulse.misses || doubts }, doubts, returns: false }
}

/** What the receivers noted of their last packets: cheap, where the whole statistics are not. */
export function markOf(pc: RTCPeerConnection): string {
  return pc.getReceivers().map((one) => (one.getSynchronizationSources?.() ?? []).map((source) => `${source.source}:${source.rtpTimestamp}`).join()).join('|')
}
