import { describe, expect, it } from 'vitest'
import { feel, HASTE_MS, HOLE_MS, LOOK_MS, marker, OWN_QUIET_MS, pause, QUIET_MS, unfelt, type Pulse } from './pulse'

/** Looks every tenth of a second; a beat whenever `beats` says so. When it doubted. */
function doubts(ms: number, beats: (at: number) => boolean, isOwn = false): number[] {
  let pulse: Pulse = unfelt
  let mark = 0
  const found: number[] = []
  for (let at = 0; at < ms; at += LOOK_MS) {
    if (beats(at)) mark += 1
    const next = feel(pulse, String(mark), at, { isOwn })
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

  it('is sought four times a second where the own network went, for two seconds, and then ever later', () => {
    const first = 4_900 + 3 * LOOK_MS
    expect(OWN_QUIET_MS).toBeGreaterThan(2 * LOOK_MS)
    const found = doubts(60_000, (at) => at < 5_000, true)
    expect(found.slice(0, 9)).toEqual(Array.from({ length: 9 }, (_, n) => first + n * 3 * LOOK_MS))
    expect(found.slice(9).every((at, n) => at - (found[n + 8] ?? 0) >= 8_000)).toBe(true)
    expect(found.length).toBeLessThanOrEqual(12)
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
    let pulse: Pulse = unfelt
    const found: number[] = []
    for (let at = 0; at < 9_000; at += LOOK_MS) {
      const next = feel(pulse, String(at > 2_000 && at < 5_000 ? 2_000 : at), at)
      pulse = next.pulse
      if (next.returns) found.push(at)
    }
    expect(found).toEqual([5_000])
    expect(QUIET_MS).toBeLessThan(HOLE_MS)
  })

  it('says so, too, where a busy page felt no steady beat before', () => {
    let pulse: Pulse = unfelt
    const found: number[] = []
    // Every third look is late; nothing comes from 3 to 5 s.
    for (let at = 0, n = 0; at < 9_000; at += n % 3 === 0 ? 3 * LOOK_MS : LOOK_MS, n += 1) {
      const next = feel(pulse, String(at > 3_000 && at < 5_000 ? 3_000 : at), at)
      pulse = next.pulse
      expect(next.doubts).toBe(false)
      if (next.returns) found.push(at)
    }
    expect(found).toHaveLength(1)
    expect(found[0]).toBeGreaterThanOrEqual(5_000)
  })

  /** Chance that is the same in each run. */
  const dice = (seed: number) => (): number => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32
    return seed / 2 ** 32
  }

  /** Packets come until `ends`, and from `begins` on; one look in twenty feels none of them, one in ten is late. When it was said that they return. */
  function returnsOf(chance: () => number, ends: number, begins: number): number[] {
    let pulse: Pulse = unfelt
    const found: number[] = []
    for (let at = 0; at < begins + 3_000; at += chance() < 0.1 ? 2.5 * LOOK_MS : LOOK_MS) {
      const isFelt = (at < ends || at >= begins) && chance() >= 0.05
      const next = feel(pulse, isFelt ? String(at) : pulse.mark, at)
      pulse = next.pulse
      if (next.returns) found.push(at)
    }
    return found
  }

  it('says so wherever in the looks the silence begins', () => {
    for (let seed = 0; seed < 2_000; seed += 1) {
      const chance = dice(seed)
      const ends = 3_000 + 2_000 * chance()
      const begins = ends + 1_300 + 3_000 * chance()
      const found = returnsOf(chance, ends, begins)
      expect(found, `${seed}`).toHaveLength(1)
      expect((found[0] ?? 0) - begins, `${seed}`).toBeLessThanOrEqual(10 * LOOK_MS)
    }
  })

  it('says so after a look that felt nothing, and a silence that began just then', () => {
    let pulse: Pulse = unfelt
    const found: number[] = []
    const silent = (at: number): boolean => at === 3_000 || (at > 3_100 && at < 5_000)
    for (let at = 0; at < 9_000; at += LOOK_MS) {
      const next = feel(pulse, silent(at) ? pulse.mark : String(at), at)
      pulse = next.pulse
      if (next.returns) found.push(at)
    }
    expect(found).toEqual([5_000])
  })

  it('does not say so in discontinuous speech of which every tenth word of comfort is lost', () => {
    const chance = dice(7)
    let pulse: Pulse = unfelt
    for (let at = 0; at < 3_600_000; at += LOOK_MS) {
      const next = feel(pulse, at % 400 === 0 && chance() >= 0.1 ? String(at) : pulse.mark, at)
      pulse = next.pulse
      expect(next.returns).toBe(false)
    }
  })

  it('is worth a question after two looks without a beat, once, and before another path is sought', () => {
    let pulse: Pulse = unfelt
    const found: number[] = []
    for (let at = 0; at < 9_000; at += LOOK_MS) {
      const next = feel(pulse, String(Math.min(at, 3_000)), at)
      pulse = next.pulse
      if (next.suspects) found.push(at)
    }
    expect(found).toEqual([3_200])
    expect(3_200).toBeLessThan(3_000 + QUIET_MS)
  })

  it('is looked for sooner when a look felt none, until it is sought', () => {
    let pulse: Pulse = unfelt
    const seen: number[] = []
    for (let at = 0; at < 8_000; at += pause(pulse)) {
      pulse = feel(pulse, String(Math.min(at, 3_000)), at).pulse
      if (at > 3_000 && at <= 3_000 + QUIET_MS) seen.push(at)
    }
    expect(seen).toEqual([3_100, 3_150, 3_200, 3_250, 3_300, 3_350, 3_400])
    expect([pulse.misses > 0, pause(pulse), HASTE_MS < LOOK_MS]).toEqual([true, LOOK_MS, true])
  })

  it('is missed after a last beat that came late, too, where the own network went', () => {
    let pulse: Pulse = unfelt
    const found: number[] = []
    for (let at = 0; at < 4_500; at += LOOK_MS) {
      const next = feel(pulse, at < 3_000 || at === 3_300 ? String(at) : pulse.mark, at, { isOwn: at > 3_300 })
      pulse = next.pulse
      if (next.doubts) found.push(at)
    }
    expect(found[0]).toBe(3_300 + 3 * LOOK_MS)
  })

  it('waits while a path is sought, and is doubted as soon as that had its time', () => {
    let pulse: Pulse = unfelt
    const found: number[] = []
    for (let at = 0; at < 6_000; at += LOOK_MS) {
      const next = feel(pulse, String(Math.min(at, 3_000)), at, { isSought: at < 4_000 })
      pulse = next.pulse
      if (next.doubts) found.push(at)
    }
    expect(found[0]).toBe(4_000)
  })

  it('is not missed by a page that slept', () => {
    const first = feel(unfelt, 'a', 0).pulse
    expect(feel(first, 'a', 60_000).doubts).toBe(false)
  })
})

describe('what the receivers noted', () => {
  it('is another word for each packet that came, and none for a sender that the browser forgot', () => {
    let sources = [[{ source: 1, rtpTimestamp: 10 }], [{ source: 2, rtpTimestamp: 20 }]]
    const getReceivers = () => sources.map((some) => ({ getSynchronizationSources: () => some }))
    const mark = marker({ getReceivers } as unknown as RTCPeerConnection)
    const first = mark()
    expect(mark()).toBe(first)
    sources = [[{ source: 1, rtpTimestamp: 10 }], []]
    expect(mark()).toBe(first)
    sources = [[{ source: 1, rtpTimestamp: 11 }], []]
    const second = mark()
    expect(second).not.toBe(first)
    sources = [[], []]
    expect(mark()).toBe(second)
    sources = [[], [{ source: 2, rtpTimestamp: 21 }]]
    expect(mark()).not.toBe(second)
  })
})
