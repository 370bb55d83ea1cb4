import { describe, expect, it } from 'vitest'
import { BUDGET, budgetOf, climb, DOWN_AFTER_MS, DROWNED_AFTER_MS, ground, rejoin, RUNGS, STILL, UP_AFTER_MS, type Ladder, type Rung } from './ladder'
import type { Measure } from './stats'

const good: Measure = { loss: 0, lossOut: 0, rttMs: 40, fps: 24, kbpsIn: 500, kbpsOut: 500, freezes: 0, received: 100, available: 2_000_000, suffers: true, shrinks: false }
const narrow = (kbps: number): Measure => ({ ...good, available: kbps * 1000, kbpsOut: kbps })
const index = (ladder: Ladder): number => RUNGS.indexOf(ladder.rung)

/** Plays measures two seconds apart; every rung that was stood on, with its moment. */
function play(measures: Iterable<Measure>, from = ground): { ladder: Ladder; moves: { at: number; rung: Rung }[] } {
  let ladder = from
  let now = 0
  const moves: { at: number; rung: Rung }[] = []
  for (const measure of measures) {
    const next = climb(ladder, measure, now)
    if (next.rung !== ladder.rung) moves.push({ at: now, rung: next.rung })
    ladder = next
    now += 2000
  }
  return { ladder, moves }
}
const during = (measure: Measure, ms: number): Measure[] => Array.from({ length: Math.floor(ms / 2000) + 1 }, () => measure)

/** A generator of chance with a seed (mulberry32). */
function chance(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

describe('the ladder', () => {
  it('goes down one rung at a time to the telephone, and back up to the full picture', () => {
    const down = play(during({ ...narrow(10), lossOut: 0.5 }, 60_000))
    expect(down.moves.map((move) => move.rung)).toEqual(['low', 'voice', 'still', 'phone'])
    const up = play(during(good, 120_000), down.ladder)
    expect(up.moves.map((move) => move.rung)).toEqual(['still', 'voice', 'low', 'full'])
  })

  it('forgives a short storm, and does not trust a short calm', () => {
    expect(play(during({ ...good, lossOut: 0.5 }, DOWN_AFTER_MS - 2000)).moves).toEqual([])
    const low: Ladder = { ...ground, rung: 'low' }
    expect(play(during(good, UP_AFTER_MS - 2000), low).moves).toEqual([])
    expect(play(during(good, UP_AFTER_MS), low).ladder.rung).toBe('full')
  })

  it('does not wait with a voice that drowns, and drowns no telephone by haste', () => {
    const drowned: Measure = { ...good, lossOut: 0.4 }
    const { moves } = play(during(drowned, 60_000), { ...ground, rung: 'voice' })
    expect(moves).toEqual([
      { at: DROWNED_AFTER_MS, rung: 'still' },
      { at: DROWNED_AFTER_MS + 2000 + DOWN_AFTER_MS, rung: 'phone' },
    ])
  })

  it('keeps its rung when the connection breaks, and climbs from there as ever', () => {
    const climbed: Ladder = { rung: 'still', downSince: 1, upSince: 2, patience: 96_000, climbedAt: 3 }
    const { moves } = play(during(good, 60_000), rejoin(climbed))
    expect(moves.slice(0, 2)).toEqual([{ at: UP_AFTER_MS, rung: 'voice' }, { at: 2 * UP_AFTER_MS + 2000, rung: 'low' }])
  })

  /** How much of the time each rung was stood on. */
  const shares = (measure: Measure, ms: number): Map<Rung, number> => {
    const spent = new Map<Rung, number>()
    let ladder = ground
    for (let now = 0; now < ms; now += 2000) {
      ladder = climb(ladder, measure, now)
      spent.set(ladder.rung, (spent.get(ladder.rung) ?? 0) + 2000 / ms)
    }
    return spent
  }

  it('stays where the network holds it, and tries the next rung seldom where only a try tells', () => {
    for (const [kbps, loss, rung] of [[200, 0, 'low'], [80, 0, 'voice'], [40, 0.25, 'still']] as const) {
      expect(shares({ ...narrow(kbps), lossOut: loss }, 1_200_000).get(rung)).toBeGreaterThan(0.88)
    }
  })

  it('keeps the picture of a still room, which needs few bits, however little the browser believes in', () => {
    const still: Measure = { ...narrow(60), suffers: false }
    expect(play(during(still, 600_000)).moves).toEqual([])
  })

  it('goes down where the browser has cut the picture already, and looks well with it', () => {
    const cut: Measure = { ...narrow(240), suffers: false, shrinks: true }
    expect(play(during(cut, DOWN_AFTER_MS)).moves.map((move) => move.rung)).toEqual(['low'])
    // Where there is room enough it was cut for another reason, or is about to be whole.
    expect(play(during({ ...cut, available: 900_000 }, 60_000)).moves).toEqual([])
  })

  it('does not go down for what is lost on the way of somebody else', () => {
    expect(play(during({ ...good, loss: 0.5 }, 600_000)).moves).toEqual([])
  })

  it('climbs by itself from the voice, where nothing is sent that would show how wide the network is', () => {
    const voice: Ladder = { ...ground, rung: 'voice' }
    const wide = (ladder: Ladder): Measure => (ladder.rung === 'voice' ? narrow(45) : good)
    let ladder = voice
    for (let now = 0; now <= 2 * UP_AFTER_MS + 4000; now += 2000) ladder = climb(ladder, wide(ladder), now)
    expect(ladder.rung).toBe('full')
  })

  it('does not climb while nobody would hear of it, and then at once', () => {
    let ladder: Ladder = { ...ground, rung: 'still' }
    for (let now = 0; now < 10 * UP_AFTER_MS; now += 2_000) ladder = climb(ladder, good, now, false)
    expect(ladder.rung).toBe('still')
    expect(climb(ladder, good, 10 * UP_AFTER_MS).rung).toBe('voice')
  })

  it('spends at most 64 kbit/s on a still picture and the voice', () => {
    const { video, audioKbps, audioMs } = BUDGET.still
    expect(video).toBeNull()
    // Fifty packets of sound a second, each with 64 bytes of headers and seals; 400 bytes around a still.
    const still = ((STILL.letters + 400) * 8) / STILL.ms
    expect(still + audioKbps + ((1000 / audioMs) * 64 * 8) / 1000).toBeLessThanOrEqual(64)
  })

  it('spares the voice for whoever has the weakest network', () => {
    expect(budgetOf('full', ['full', 'still'])).toEqual({ ...BUDGET.full, audioKbps: BUDGET.still.audioKbps, audioMs: BUDGET.still.audioMs })
    expect(budgetOf('low', ['full'])).toEqual(BUDGET.low)
    expect(budgetOf('full', [])).toEqual(BUDGET.full)
  })

  it('never flaps: at most eight steps in any minute, two directions only with patience between, whatever the network does', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const next = chance(seed)
      const measures = Array.from({ length: 600 }, (): Measure => ({ ...good, lossOut: next() < 0.3 ? next() * 0.6 : 0, available: next() * 1_000_000, kbpsOut: next() * 400 }))
      const { moves } = play(measures)
      for (const [n, move] of moves.entries()) {
        expect(moves.slice(n).filter((later) => later.at - move.at < 60_000).length).toBeLessThanOrEqual(8)
        const before = moves[n - 1]
        const isUp = before !== undefined && RUNGS.indexOf(move.rung) < RUNGS.indexOf(before.rung)
        if (isUp) expect(move.at - before.at).toBeGreaterThanOrEqual(UP_AFTER_MS)
      }
    }
  })

  it('tries a picture that does not last less and less often', () => {
    let ladder: Ladder = { ...ground, rung: 'low' }
    const climbs: number[] = []
    for (let now = 0; now < 20 * 60_000; now += 2000) {
      // It looks wide until the picture is sent.
      const next = climb(ladder, ladder.rung === 'full' ? narrow(300) : { ...good, kbpsOut: 100 }, now)
      if (index(next) < index(ladder)) climbs.push(now)
      ladder = next
    }
    expect(climbs.length).toBeLessThanOrEqual(14)
  })

  it('is monotone: a better network never leads to a worse rung', () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const next = chance(seed)
      const kbps = 20 + next() * 600
      const better = kbps * (1 + next())
      const mean = (of: number): number => [...shares(narrow(of), 600_000)].reduce((sum, [rung, share]) => sum + RUNGS.indexOf(rung) * share, 0)
      // But for the tries.
      expect(mean(better)).toBeLessThanOrEqual(mean(kbps) + 0.1)
    }
  })
})
