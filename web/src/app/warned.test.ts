import { beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import { ApiError } from '@/protocol/http'
import type { PharmacyItem, WarnedPrescription } from '@/protocol/prescriptions'
import { useWarned, warnedOf, type Warned } from './warned'

beforeEach(() => void vi.useFakeTimers())

const item = (id: string, version: number, attention: 'warn' | null) => ({ id, version, attention }) as PharmacyItem
const one = (id: string) => ({ id }) as WarnedPrescription

/** A queue whose warnings are answered by hand. */
function bench(first: string) {
  const answers: { answer: (found: WarnedPrescription[]) => void; fail: (cause: unknown) => void }[] = []
  const http = { get: <T>() => new Promise<T>((resolve, reject) => answers.push({ answer: resolve as never, fail: reject })) }
  const wanted = ref(first)
  const scope = effectScope()
  const warned = scope.run(() => useWarned(http, () => wanted.value)) as Warned
  const want = async (now: string) => {
    wanted.value = now
    await nextTick()
  }
  return { answers, warned, want, stop: () => scope.stop() }
}
const ids = (warned: Warned) => warned.list.value.map(({ id }) => id)

describe('what the doctors were warned of', () => {
  it('is asked for anew when one came while the answer was on its way', async () => {
    const { answers, warned, want, stop } = bench('a.1')
    await want('a.1 b.1')
    expect(answers).toHaveLength(1)
    answers[0]?.answer([one('a')])
    await vi.advanceTimersByTimeAsync(1000)
    expect(answers).toHaveLength(2)
    answers[1]?.answer([one('a'), one('b')])
    await vi.advanceTimersByTimeAsync(1000)
    expect(ids(warned)).toEqual(['a', 'b'])
    expect(answers).toHaveLength(2)
    stop()
  })
  it('is gone when nothing waits, whatever was on its way', async () => {
    const { answers, warned, want, stop } = bench('a.1')
    await want('')
    answers[0]?.answer([one('a')])
    await vi.advanceTimersByTimeAsync(1000)
    expect(ids(warned)).toEqual([])
    expect(answers).toHaveLength(1)
    stop()
  })
  it('says that it could not be read, and no longer once it could', async () => {
    const { answers, warned, want, stop } = bench('a.1')
    answers[0]?.fail(new ApiError('network', 0, ''))
    await vi.advanceTimersByTimeAsync(1000)
    expect(warned.error.value?.code).toBe('network')
    await want('a.2')
    answers[1]?.answer([one('a')])
    await vi.advanceTimersByTimeAsync(1000)
    expect([warned.error.value, ids(warned)]).toEqual([null, ['a']])
    stop()
  })
  it('differs with the prescriptions that somebody was warned of, and with their versions', () => {
    expect(warnedOf([item('a', 1, 'warn'), item('b', 1, null)])).toBe('a.1')
    expect(warnedOf([item('a', 2, 'warn')])).toBe('a.2')
    expect(warnedOf([item('b', 1, null)])).toBe('')
  })
})
