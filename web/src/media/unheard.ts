// Of which receiving sections nothing comes any more. Only the server knows whether something was sent there: a microphone that is
// muted and a camera that rests send nothing either. It hears of it sooner than a browser reports of sound.

/** Missed for so long. A pause of speech still brings a packet every 0.4 s. */
export const UNHEARD_MS = 2_000
/** A page that looked so late slept, and does not know what it missed. */
const LATE_MS = 1_500

interface Ear {
  mark: string
  at: number
  /** Something came, once. */
  heard: boolean
}
export interface Ears {
  looked: number
  of: ReadonlyMap<string, Ear>
}
export const deaf: Ears = { looked: 0, of: new Map() }

/** Listens once more: `marks` says what each section noted of its last packet, and nothing where the browser forgot it. */
export function listen(before: Ears, marks: ReadonlyMap<string, string>, now: number): { ears: Ears; unheard: string[] } {
  const slept = now - before.looked >= LATE_MS
  const of = new Map<string, Ear>()
  for (const [mid, mark] of marks) {
    const ear = before.of.get(mid) ?? { mark: '', at: now, heard: false }
    const comes = mark !== '' && mark !== ear.mark
    of.set(mid, comes ? { mark, at: now, heard: true } : { ...ear, at: slept ? now : ear.at })
  }
  const unheard = [...of].filter(([, ear]) => ear.heard && now - ear.at >= UNHEARD_MS).map(([mid]) => mid)
  return { ears: { looked: now, of }, unheard }
}

/** What one connection hears nothing of any more. */
export class Unheard {
  #ears = deaf
  /** The sections that were told last. */
  #told = ''

  /** Looks once more; the sections when there are others than before. */
  look(pc: RTCPeerConnection, now: number): string[] | null {
    const { ears, unheard } = listen(this.#ears, marksOf(pc), now)
    this.#ears = ears
    if (unheard.join() === this.#told) return null
    this.#told = unheard.join()
    return unheard
  }

  /** The connection is gone, and the server forgets with it. */
  clear(): void {
    this.#ears = deaf
    this.#told = ''
  }
}

/** What the receiving sections noted of their last packets. */
export function marksOf(pc: RTCPeerConnection): ReadonlyMap<string, string> {
  const marks = new Map<string, string>()
  for (const { mid, receiver } of pc.getTransceivers()) {
    if (mid === null) continue
    const noted = receiver.getSynchronizationSources?.() ?? []
    marks.set(mid, noted.map(({ source, rtpTimestamp }) => `${source}:${rtpTimestamp}`).join())
  }
  return marks
}
