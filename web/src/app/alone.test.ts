import { afterEach, describe, expect, it, vi } from 'vitest'
import { alone } from './alone'

/** The browser's locks: a queue for each name, left by whoever loses patience. */
function browserLocks() {
  const held = new Map<string, Promise<unknown>>()
  return {
    request<T>(name: string, { signal }: { signal: AbortSignal }, act: () => Promise<T>): Promise<T> {
      const impatient = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError'))))
      impatient.catch(() => undefined)
      const turn = Promise.race([held.get(name) ?? Promise.resolve(), impatient]).then(act)
      held.set(name, turn.catch(() => undefined))
      return turn
    },
  }
}
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('one tab at a time', () => {
  it('waits for the one that is at it', async () => {
    vi.stubGlobal('navigator', { locks: browserLocks() })
    const done: string[] = []
    let finish: () => void = () => undefined
    const first = alone('renew', () => new Promise<void>((resolve) => (finish = resolve)).then(() => void done.push('first')))
    const second = alone('renew', async () => void done.push('second'))
    await Promise.resolve()
    await Promise.resolve()
    expect(done).toEqual([])
    finish()
    await Promise.all([first, second])
    expect(done).toEqual(['first', 'second'])
  })

  it('waits no longer than that for a tab that fell asleep, and does it once', async () => {
    vi.useFakeTimers()
    vi.stubGlobal('navigator', { locks: browserLocks() })
    void alone('renew', () => new Promise(() => undefined))
    const act = vi.fn(async () => 'done')
    const waiting = alone('renew', act, 5_000)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(act).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await expect(waiting).resolves.toBe('done')
    expect(act).toHaveBeenCalledTimes(1)
  })

  it('fails once with the fault of what was done', async () => {
    vi.stubGlobal('navigator', { locks: browserLocks() })
    const act = vi.fn(async () => Promise.reject(new Error('no network')))
    await expect(alone('renew', act)).rejects.toThrow('no network')
    expect(act).toHaveBeenCalledTimes(1)
  })

  it('does it at once where the browser has no locks', async () => {
    vi.stubGlobal('navigator', {})
    await expect(alone('renew', async () => 'done')).resolves.toBe('done')
  })
})
