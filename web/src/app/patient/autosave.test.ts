import { describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/protocol/http'
import type { Answers, DeclarationView } from '@/protocol/types'
import { Autosave, type SaveState } from './autosave'

const view = (version: number, answers: Answers = {}): DeclarationView => ({
  id: 'd', patient: 'p', questionnaire: '1', version, answers, missing: [], saved_at: 0,
})

function bench(save: (version: number, changed: Answers) => Promise<DeclarationView>, fetched = view(9)) {
  const states: SaveState[] = []
  const timers: { act: () => void }[] = []
  const autosave = new Autosave(view(1), {
    save,
    fetch: async () => fetched,
    changed: (state) => states.push(state),
    later: (act) => {
      const timer = { act }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
  })
  const settle = async () => {
    for (let round = 0; round < 20; round += 1) await Promise.resolve()
  }
  return { autosave, states, timers, settle }
}

describe('autosave', () => {
  it('gathers quick changes into one request', async () => {
    const save = vi.fn(async (version: number, changed: Answers) => view(version + 1, changed))
    const { autosave, timers, settle, states } = bench(save)
    autosave.set('a', 1)
    autosave.set('a', 2)
    autosave.set('b', true)
    expect(timers).toHaveLength(1)
    timers[0]?.act()
    await settle()
    expect(save.mock.calls).toEqual([[1, { a: 2, b: true }]])
    expect(states.at(-1)).toBe('saved')
  })

  it('keeps what was typed while a request was under way', async () => {
    let release: (v: DeclarationView) => void = () => undefined
    const save = vi.fn(() => new Promise<DeclarationView>((resolve) => (release = resolve)))
    const { autosave, timers, settle } = bench(save)
    autosave.set('a', 1)
    timers[0]?.act()
    autosave.set('a', 2)
    release(view(2, { a: 1 }))
    await settle()
    expect(autosave.pending).toEqual({ a: 2 })
    expect(autosave.answers).toEqual({ a: 2 })
  })

  it.each([['auth.expired', 401], ['request.rate_limited', 429], ['server.unavailable', 503]])('tries again by itself after %s', async (code, status) => {
    const save = vi.fn(async (version: number, changed: Answers) => view(version + 1, changed)).mockRejectedValueOnce(new ApiError(code, status, ''))
    const { autosave, timers, settle, states } = bench(save)
    autosave.set('a', 1)
    timers[0]?.act()
    await settle()
    expect(states.at(-1)).toBe('offline')
    timers.at(-1)?.act()
    await settle()
    expect([states.at(-1), autosave.pending]).toEqual(['saved', {}])
  })

  it('keeps everything while the network is away, and sends it later', async () => {
    let online = false
    const save = vi.fn(async (version: number, changed: Answers) => {
      if (!online) throw new ApiError('network', 0, '')
      return view(version + 1, changed)
    })
    const { autosave, timers, settle, states } = bench(save)
    autosave.set('a', 1)
    timers.shift()?.act()
    await settle()
    expect(states.at(-1)).toBe('offline')
    expect(autosave.answers).toEqual({ a: 1 })
    online = true
    await autosave.flush()
    expect(autosave.pending).toEqual({})
  })

  it('takes the newer version after a conflict and lays the unsent answer on top', async () => {
    let conflicts = 1
    const save = vi.fn(async (version: number, changed: Answers) => {
      if (conflicts-- > 0) throw new ApiError('version.conflict', 409, '')
      return view(version + 1, { x: 'other device', ...changed })
    })
    const { autosave, settle } = bench(save, view(7, { x: 'other device' }))
    autosave.set('a', 1)
    await autosave.flush()
    await settle()
    expect(save.mock.calls.map((c) => c[0])).toEqual([1, 7])
    expect(autosave.answers).toEqual({ x: 'other device', a: 1 })
  })

  it('does not let one refused answer hold back the others', async () => {
    const save = vi.fn(async (version: number, changed: Answers) => {
      if ('temp' in changed) throw new ApiError('declaration.invalid', 422, '', { field: 'temp' })
      return view(version + 1, changed)
    })
    const { autosave, timers, settle, states } = bench(save)
    autosave.set('temp', 99)
    autosave.set('cough', 'no')
    timers.shift()?.act()
    await settle()
    expect(states).toContain('refused')
    timers.shift()?.act()
    await settle()
    expect(autosave.view.answers).toEqual({ cough: 'no' })
  })
})
