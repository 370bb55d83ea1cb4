import { describe, expect, it } from 'vitest'
import { due, FRESH_MS, newRecovery, nextDeadline, observe, PATIENCE_MS, relink, type Cure, type IceState, type Recovery } from './recovery'

/** Runs the clock over a trouble and writes down what was done when. */
function run(recovery: Recovery, from: number, until: number): [number, Cure][] {
  const done: [number, Cure][] = []
  for (let now = from; now <= until; now += 100) {
    const next = due(recovery, now)
    recovery = next.recovery
    if (next.cure) done.push([now, next.cure])
  }
  return done
}
const connected = (): Recovery => observe(newRecovery(0), 'connected', 0)
const broken = (state: IceState): Recovery => observe(connected(), state, 1000)

describe('recovery', () => {
  it('leaves a connected call alone', () => {
    expect(nextDeadline(connected())).toBeNull()
    expect(run(connected(), 0, 60_000)).toEqual([])
  })

  it('waits two and a half seconds before it restarts a disconnected one', () => {
    expect(run(broken('disconnected'), 1000, 1000 + PATIENCE_MS - 100)).toEqual([])
    expect(run(broken('disconnected'), 1000, 5000)[0]).toEqual([1000 + PATIENCE_MS, 'restart'])
  })

  it('forgives a black hole that ends by itself', () => {
    expect(run(observe(broken('disconnected'), 'connected', 2000), 2000, 60_000)).toEqual([])
  })

  it('restarts a failed one at once, then after 2, 4 and 8 seconds, and begins anew after 15', () => {
    expect(run(broken('failed'), 1000, 16_000)).toEqual([[1000, 'restart'], [3000, 'restart'], [7000, 'restart'], [15_000, 'restart'], [16_000, 'fresh']])
  })

  it('does not restart faster because the browser says it twice', () => {
    const again = observe(due(broken('failed'), 1000).recovery, 'disconnected', 1100)
    expect(nextDeadline(again)).toBe(3000)
    expect(nextDeadline(observe(again, 'failed', 1200))).toBe(3000)
  })

  it('begins anew when the first connection does not come', () => {
    expect(run(newRecovery(0), 0, FRESH_MS)).toEqual([[FRESH_MS, 'fresh']])
  })

  it('does nothing without the socket, and everything at once when it is back', () => {
    const alone = relink(broken('failed'), false, 1000)
    expect(nextDeadline(alone)).toBeNull()
    expect(run(alone, 1000, 60_000)).toEqual([])
    expect(run(relink(alone, true, 61_000), 61_000, 61_000)).toEqual([[61_000, 'restart']])
  })

  it('does not touch media that outlived the socket', () => {
    expect(run(relink(relink(connected(), false, 0), true, 9000), 9000, 60_000)).toEqual([])
  })
})
