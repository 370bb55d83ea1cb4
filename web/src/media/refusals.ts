// A browser that does not take our answers. The first refusal may be a moment of its own, and a new connection helps at once; one
// that refuses every answer would offer for ever, as fast as the server answers.

/** What is waited before a new connection, after so many refusals within a minute. */
export const PAUSES_MS = [0, 1_000, 3_000, 8_000] as const
/** Older ones count no longer. */
export const COUNTED_MS = 60_000

export class Refusals {
  #at: readonly number[] = []

  /** One more. How long to wait before another connection is tried; `null`: no other would do. */
  note(now: number): number | null {
    this.#at = [...this.#at.filter((at) => now - at < COUNTED_MS), now]
    return PAUSES_MS[this.#at.length - 1] ?? null
  }
}
