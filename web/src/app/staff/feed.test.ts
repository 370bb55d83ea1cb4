import { effectScope, nextTick, shallowRef } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Status } from '@/connection/driver'
import type { Live } from '../live'
import { useFeed, type Feed } from './feed'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('what is read and announced', () => {
  it('is old while the server cannot follow its topic, and is read again once it does', async () => {
    const status = shallowRef<Status>({ name: 'open' })
    const live = { status, subscribe: () => () => undefined } as unknown as Live
    const read = vi.fn(() => Promise.resolve('alarms'))
    const scope = effectScope()
    const feed = scope.run(() => useFeed(live, read, () => [{ topic: 'a', since: 1 }])) as Feed<string>
    await vi.advanceTimersByTimeAsync(1000)
    expect([feed.value.value, feed.stale.value, read.mock.calls.length]).toEqual(['alarms', false, 1])
    status.value = { name: 'catching_up', since: 0 }
    await nextTick()
    expect(feed.stale.value).toBe(true)
    status.value = { name: 'open' }
    await nextTick()
    await vi.advanceTimersByTimeAsync(1000)
    expect([feed.stale.value, read.mock.calls.length]).toEqual([false, 2])
    scope.stop()
  })
})
