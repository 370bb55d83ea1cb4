import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PENDING_ALARM } from './emergency'
import { createPatientStore } from './store'
import { forgetAll, known, landing, sentKeys, serve, tokens } from './testing'

vi.mock('../live', async () => (await import('./testing')).silentLive)

beforeEach(forgetAll)
afterEach(() => vi.unstubAllGlobals())

describe('somebody in danger', () => {
  it('shows the page “call 120” before the network was asked', async () => {
    vi.useFakeTimers()
    serve({ 'GET /links/demo': landing })
    const store = createPatientStore('demo')
    await store.load()
    void store.raiseRedFlags(['chest'])
    expect(store.step.value).toBe('emergency')
    expect(store.known.alarm).toBe(PENDING_ALARM)
    vi.useRealTimers()
  })

  it('goes on sending a red flag after a reload, as the same alarm', async () => {
    vi.useFakeTimers()
    const first = serve({ 'GET /links/demo': landing })
    const store = createPatientStore('demo')
    await store.load()
    void store.raiseRedFlags(['chest'])
    await vi.advanceTimersByTimeAsync(4000)
    expect(first.filter((one) => one === 'POST /red-flags').length).toBeGreaterThan(1)
    expect(store.alarmSent.value).toBe('failed')
    store.known.alarm = null // the page is gone

    // Not even the landing page's own request gets through: the number to dial is there all the same.
    serve({})
    const again = createPatientStore('demo')
    await again.load()
    expect(again.step.value).toBe('emergency')
    expect(again.known.alarm).toBe(PENDING_ALARM)
    const line = { emergency: true, line: { alarm: 'a1', tokens: { ...tokens, subject: { kind: 'caller', institution: 'i' } } } }
    const sent = serve({ 'GET /links/demo': landing, 'POST /red-flags': line })
    await vi.advanceTimersByTimeAsync(4000)
    expect(again.known.alarm).toBe('a1')
    expect(again.alarmSent.value).toBe('sent')
    expect(sent.filter((one) => one === 'POST /red-flags')).toHaveLength(1)
    expect(new Set(sentKeys).size).toBe(1)

    const third = createPatientStore('demo')
    await third.load()
    expect(third.known.alarm).toBe('a1')
    vi.useRealTimers()
  })
})

describe('what was denied on the first page', () => {
  const flags = [
    { id: 'breath', question: { zh: '喘', en: 'breath' } },
    { id: 'chest', question: { zh: '胸', en: 'chest' }, answers: 'sx.chest' },
  ]
  const begin = async () => {
    serve({ ...known, 'GET /links/demo': { ...landing, red_flags: flags }, 'POST /red-flags': { emergency: false } })
    const store = createPatientStore('demo')
    await store.load()
    await store.answerRedFlags([])
    return store
  }

  it('answers the declaration too, also after a reload, and leaves breathing to be asked', async () => {
    expect((await begin()).alreadyDenied()).toEqual(['sx.chest'])
    const again = createPatientStore('demo')
    await again.load()
    expect(again.alreadyDenied()).toEqual(['sx.chest'])
  })

  it('is not said of somebody else', async () => {
    const store = await begin()
    store.somebodyElse()
    expect(store.alreadyDenied()).toEqual([])
  })

  it('is asked again after half an hour', async () => {
    const store = await begin()
    vi.useFakeTimers({ now: Date.now() + 31 * 60_000 })
    expect(store.alreadyDenied()).toEqual([])
    vi.useRealTimers()
  })
})
