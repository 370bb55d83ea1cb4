import { describe, expect, it } from 'vitest'
import type { Measure } from './stats'
import { generous, STRONG_FOR_MS, WEAK_FOR_MS, weigh, type Thrift } from './thrift'

const good: Measure = { loss: 0, lossOut: 0, rttMs: 40, fps: 24, kbpsIn: 500, kbpsOut: 500, freezes: 0, received: 100, available: 2_000_000 }
const lossy: Measure = { ...good, loss: 0.2 }
function over(thrift: Thrift, measure: Measure, ms: number): Thrift {
  for (let now = 0; now <= ms; now += 2000) thrift = weigh(thrift, measure, now)
  return thrift
}

describe('thrift', () => {
  it('pauses the picture after eight seconds of heavy loss or a narrow way', () => {
    expect(over(generous, lossy, WEAK_FOR_MS - 2000).paused).toBe(false)
    expect(over(generous, lossy, WEAK_FOR_MS).paused).toBe(true)
    expect(over(generous, { ...good, available: 100_000 }, WEAK_FOR_MS).paused).toBe(true)
  })
  it('forgives a short storm', () => {
    expect(over(over(generous, lossy, 4000), good, 0)).toEqual(generous)
  })
  it('brings the picture back after fifteen good seconds', () => {
    const paused: Thrift = { paused: true, since: null }
    expect(over(paused, good, STRONG_FOR_MS - 3000).paused).toBe(true)
    expect(over(paused, good, STRONG_FOR_MS + 2000).paused).toBe(false)
  })
})
