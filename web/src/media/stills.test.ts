import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { STILL } from './ladder'
import { fitting, lettersAfter, takeStills, type Stills } from './stills'

const camera = {} as MediaStreamTrack

describe('a still', () => {
  it('is the best picture that is small enough', () => {
    const tried: [number, number][] = []
    const encode = (height: number, quality: number): string => {
      tried.push([height, quality])
      return 'x'.repeat(Math.round(height * height * quality * 0.3))
    }
    expect(fitting(encode, 5_000)).toHaveLength(3456)
    expect(tried).toEqual([[240, 0.6], [240, 0.45], [240, 0.3], [240, 0.2]])
    tried.length = 0
    expect(fitting(encode, 2_000)).toHaveLength(1944)
    expect(tried.at(-1)).toEqual([180, 0.2])
  })

  it('is smaller after one that took too long, and grows again where they pass', () => {
    const after = (took: readonly number[]): number => took.reduce(lettersAfter, STILL.letters)
    expect(after([STILL.ms + 500])).toBe(4_000)
    expect(after([60_000])).toBe(2_500)
    expect(after([60_000, 60_000, 60_000])).toBe(2_000)
    expect(after([60_000, 1_500])).toBe(2_500)
    expect(after([60_000, 300, 300, 300, 300])).toBe(STILL.letters)
  })

  it('is none when even the smallest is too large, or the camera gives nothing', () => {
    expect(fitting(() => 'x'.repeat(5_001), 5_000)).toBeNull()
    expect(fitting(() => '', 5_000)).toBeNull()
  })
})

describe('stills', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function taking(show: (jpeg: string) => Promise<void>): Stills {
    return takeStills({ camera, draw: () => 'jpeg', show, now: () => Date.now(), setTimer: (act, ms) => setTimeout(act, ms), clearTimer: (timer) => clearTimeout(timer as number) })
  }

  it('come every two seconds', async () => {
    const show = vi.fn(() => Promise.resolve())
    const stills = taking(show)
    await vi.advanceTimersByTimeAsync(5 * STILL.ms - 1)
    expect(show).toHaveBeenCalledTimes(5)
    stills.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(show).toHaveBeenCalledTimes(5)
  })

  it('wait for the answer to the one before, and not for ever', async () => {
    const show = vi.fn(() => new Promise<void>(() => undefined))
    const stills = taking(show)
    await vi.advanceTimersByTimeAsync(11_999)
    expect(show).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(show).toHaveBeenCalledTimes(2)
    stills.stop()
  })

  it('are made for what passes', async () => {
    const wanted: number[] = []
    const answers = [8_000, 8_000, 100, 100, 100, 100]
    const show = vi.fn(() => new Promise<void>((resolve) => setTimeout(resolve, answers.shift() ?? 100)))
    // Each height is of so many letters, whatever its quality.
    const draw = (height: number): string => 'x'.repeat(height * 20)
    const stills = takeStills({ camera, draw, show: (jpeg) => (wanted.push(jpeg.length), show()), now: () => Date.now(), setTimer: (act, ms) => setTimeout(act, ms), clearTimer: (timer) => clearTimeout(timer as number) })
    await vi.advanceTimersByTimeAsync(30_000)
    stills.stop()
    expect(wanted.slice(0, 3)).toEqual([2_400, 1_800, 1_800])
    expect(wanted.at(-1)).toBe(4_800)
  })

  it('go on when one is refused', async () => {
    const show = vi.fn(() => Promise.reject(new Error('request.rate_limited')))
    const stills = taking(show)
    await vi.advanceTimersByTimeAsync(STILL.ms)
    expect(show).toHaveBeenCalledTimes(2)
    stills.stop()
  })
})
