import { beforeEach, describe, expect, it, vi } from 'vitest'
import { coalesce } from './coalesce'

beforeEach(() => void vi.useFakeTimers())

describe('coalesce', () => {
  it('makes a storm of events into a first and a last reading', async () => {
    const act = vi.fn(() => Promise.resolve())
    const { run } = coalesce(act, 300)
    for (let n = 0; n < 20; n += 1) run()
    await vi.advanceTimersByTimeAsync(1000)
    expect(act).toHaveBeenCalledTimes(2)
  })
  it('never reads twice at a time', async () => {
    let busy = 0
    let most = 0
    const act = async (): Promise<void> => {
      busy += 1
      most = Math.max(most, busy)
      await new Promise((resolve) => setTimeout(resolve, 500))
      busy -= 1
    }
    const { run } = coalesce(act, 300)
    run()
    await vi.advanceTimersByTimeAsync(400)
    run()
    await vi.advanceTimersByTimeAsync(3000)
    expect(most).toBe(1)
  })
  it('stops', async () => {
    const act = vi.fn(() => Promise.resolve())
    const { run, stop } = coalesce(act, 300)
    run()
    run()
    stop()
    await vi.advanceTimersByTimeAsync(1000)
    expect(act).toHaveBeenCalledOnce()
  })
})
