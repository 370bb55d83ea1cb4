import { describe, expect, it } from 'vitest'
import { feel, HOLE_MS, LOOK_MS, QUIET_MS, still, type Pulse } from './pulse'

/** Looks every tenth of a second; a beat whenever `beats` says so. When it doubted. */
function doubts(ms: number, beats: (at: number) => boolean): number[] {
  let pulse: Pulse = still
  let mark = 0
  const found: number[] = []
  for (let at = 0; at < ms; at += LOOK_MS) {
    if (beats(at)) mark += 1
    const next = feel(pulse, String(mark), at)
    pulse = next.pulse
    if (next.doubts) found.push(at)
  }
  return found
}

describe('the pulse of a connection', () => {
  it('is missed 400 ms after steady packets end, and ever later three times more', () => {
    const first = 4_900 + QUIET_MS
    expect(doubts(60_000, (at) => at < 5_000)).toEqual([first, first + 1_000, first + 3_000, first + 7_000])
  })

  it('is missed again when it came back and ended again, but not at every breath', () => {
    const found = doubts(60_000, (at) => at % 2_000 < 1_500)
    expect(found.length).toBeGreaterThan(5)
    for (const [n, at] of found.entries()) expect(at - (found[n - 1] ?? -1_000)).toBeGreaterThanOrEqual(1_000)
  })

  it('is not missed in discontinuous speech, of which comfort noise comes every 400 ms', () => {
    expect(doubts(600_000, (at) => at % 400 === 0)).toEqual([])
  })

  it('is not missed where most packets are lost, steadily', () => {
    const dice = [7, 1, 9, 4, 2, 8, 3, 6, 0, 5, 9, 1, 4]
    expect(doubts(600_000, (at) => (dice[(at / LOOK_MS) % dice.length] ?? 0) < 6)).toEqual([])
  })

  it('says when it beats again after a silence, and only then', () => {
    let pulse: Pulse = still
    const found: number[] = []
    for (let at = 0; at < 9_000; at += LOOK_MS) {
      const next = feel(pulse, String(at > 2_000 && at < 5_000 ? 2_000 : at), at)
      pulse = next.pulse
      if (next.returns) found.push(at)
    }
    expect(found).toEqual([5_000])
    expect(QUIET_MS).toBeLessThan(HOLE_MS)
  })

  it('is not missed by a page that slept', () => {
    const first = feel(still, 'a', 0).pulse
    expect(feel(first, 'a', 60_000).doubts).toBe(false)
  })
})
