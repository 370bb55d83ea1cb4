// Whether packets still come, as a value. Looked at often, for a browser itself believes in a dead path for seconds.

export const LOOK_MS = 100
/** A look that felt none is followed sooner: what is missed is known sooner. */
export const HASTE_MS = 50
/** What came with every look, and then did not for so long, may have lost its way. */
export const QUIET_MS = 400
/** Where the socket went the same way, so long is enough. */
export const OWN_QUIET_MS = 250
/** Missed for so long, it is worth a question on another way: that costs nothing. */
const SUSPECT_MS = 150
/** So many looks that each felt a beat make it steady: pauses of discontinuous speech never do, nor does a path so narrow
 *  that much is lost, which another path in the same place would not help. */
const STEADY = 10
/** A look in between that felt none takes so many of them away, */
const MISSED = 4
/** and what was steady for longer may have missed one. */
const FIRM = STEADY + MISSED
/** So many make it a stream of packets, and no word of comfort now and then: four looks felt none between two of those. */
const STREAM = 3
/** What was missed for less than this was no hole in the network. */
export const HOLE_MS = 800
/** A path that was sought in vain is sought again after this, and each time later; who fell silent for good is not sought for ever. */
const AGAIN_MS = 1_000
const TRIES = 4
/** Where the socket went the same way, it is the own network: it is sought again after this, so often. A browser that came into another
 *  one learns of it only after a second or so, and until then seeks where there is nothing. */
const QUICK_MS = 250
const QUICK = 8

export interface Pulse {
  /** What was seen last, in whatever words: another one is a beat. */
  mark: string
  at: number
  /** Looks that felt a beat, without those that others took away. */
  beats: number
  /** The same, of a page that may look as late as it likes: what it cannot say is how long a silence was. */
  stream: number
  doubtedAt: number | null
  /** How often it was doubted since it stopped. */
  misses: number
  /** When it was looked last. */
  looked: number
  /** For so long it was looked on and none was felt: a page that slept does not know. */
  quiet: number
}

export const unfelt: Pulse = { mark: '', at: 0, beats: 0, stream: 0, doubtedAt: null, misses: 0, looked: 0, quiet: 0 }

export interface Felt {
  pulse: Pulse
  /** It was steady, and has just missed a few beats. */
  suspects: boolean
  /** It was steady, and stopped. */
  doubts: boolean
  /** What was missed beats again. */
  returns: boolean
}

export interface Around {
  /** It is the own network that went: the socket is lost, too. */
  isOwn?: boolean
  /** A path is sought already. */
  isSought?: boolean
}

/** Feels once more. */
export function feel(before: Pulse, mark: string, now: number, { isOwn = false, isSought = false }: Around = {}): Felt {
  if (mark !== before.mark) {
    // A page that slept looks late, and cannot say that anything was steady.
    const isLate = now - before.at >= before.quiet + 2 * LOOK_MS
    const more = (beats: number): number => Math.min(FIRM, Math.max(0, beats - MISSED * Math.floor(before.quiet / LOOK_MS)) + 1)
    // Nor does a busy one feel each beat; but one that looked all the while and felt none for so long has seen a hole.
    const isMissed = before.misses > 0 || (before.stream >= STREAM && before.quiet >= HOLE_MS / 2)
    const pulse = { ...before, mark, at: now, beats: isLate ? 1 : more(before.beats), stream: more(before.stream), misses: 0, looked: now, quiet: 0 }
    return { pulse, suspects: false, doubts: false, returns: isMissed && now - before.at >= HOLE_MS }
  }
  const pulse = { ...before, looked: now, quiet: before.quiet + Math.min(LOOK_MS, now - before.looked) }
  const suspects = pulse.beats >= STEADY && pulse.quiet >= SUSPECT_MS && before.quiet < SUSPECT_MS
  if (isSought || now - pulse.at < (isOwn ? OWN_QUIET_MS : QUIET_MS)) return { pulse, suspects, doubts: false, returns: false }
  const wasSteady = isOwn ? pulse.stream >= STREAM : pulse.beats >= STEADY
  const isMissed = pulse.misses === 0 ? wasSteady : pulse.misses < (isOwn ? QUICK + TRIES : TRIES)
  const isQuick = isOwn && pulse.misses > 0 && pulse.misses <= QUICK
  const wait = isQuick ? QUICK_MS : AGAIN_MS * 2 ** Math.max(0, Math.min(pulse.misses, TRIES) - 1)
  const doubts = isMissed && (pulse.doubtedAt === null || now - pulse.doubtedAt >= wait)
  return { pulse: doubts ? { ...pulse, beats: 0, stream: 0, doubtedAt: now, misses: pulse.misses + 1 } : pulse, suspects, doubts, returns: false }
}

/** When to look again. */
export function pause(pulse: Pulse): number {
  return pulse.quiet > 0 && pulse.misses === 0 ? HASTE_MS : LOOK_MS
}

/** What the receivers noted of their last packets: cheap, where the whole statistics are not. A browser forgets a sender that rests
 *  after ten seconds, which is no beat; so what was noted stays. */
export function marker(pc: RTCPeerConnection): () => string {
  const noted = new Map<string, number>()
  return () => {
    for (const [place, one] of pc.getReceivers().entries()) {
      for (const { source, rtpTimestamp } of one.getSynchronizationSources?.() ?? []) noted.set(`${place}:${source}`, rtpTimestamp)
    }
    return [...noted.values()].join()
  }
}
