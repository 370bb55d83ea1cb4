import { describe, expect, it } from 'vitest'
import { Http } from '@/protocol/http'
import type { Recording } from '@/protocol/staff'
import { byVisit, duration, film, missingOf, remarks } from './recordings'

const STRETCH = 4 * 1024 * 1024
const one: Recording = {
  id: 'r', visit: 'v', no: 1, name_masked: '演**', role: 'patient', part: 1, started_at: 0, millis: 65_000, gaps: 0, missing: null, is_cut: false, is_withdrawn: false, is_unpictured: false, is_screen: false, size: STRETCH + 10, retain_until: 1,
}

describe('a film', () => {
  it('is fetched stretch by stretch, and says how far it is', async () => {
    const asked: string[] = []
    const http = new Http({
      fetch: (_, init) => {
        const range = new Headers(init?.headers).get('Range') ?? ''
        asked.push(range)
        const [from = 0, to = 0] = range.replace('bytes=', '').split('-').map(Number)
        return Promise.resolve(new Response(new Uint8Array(to - from + 1), { status: 206 }))
      },
    })
    const shares: number[] = []
    const whole = await film(http, one, (share) => shares.push(share), new AbortController().signal)
    expect(asked).toEqual([`bytes=0-${STRETCH - 1}`, `bytes=${STRETCH}-${STRETCH + 9}`])
    expect(whole?.size).toBe(one.size)
    expect(shares.at(-1)).toBe(1)
  })

  it('is not fetched any more once the dialog is closed', async () => {
    const http = new Http({ fetch: () => Promise.reject(new Error('nobody asks')) })
    expect(await film(http, one, () => undefined, AbortSignal.abort())).toBeNull()
  })
  it('is nothing, and no failure, when the dialog is closed in the middle', async () => {
    const closed = new AbortController()
    const whole = film(new Http({ fetch: () => Promise.resolve(new Response(new ReadableStream(), { status: 206 })) }), one, () => undefined, closed.signal)
    closed.abort()
    expect(await whole).toBeNull()
  })
  it('is refused, and not shown in part, when the line is cut', async () => {
    const cut = (): Response => new Response(new ReadableStream({ pull: (end) => end.error(new TypeError('cut')) }), { status: 206 })
    await expect(film(new Http({ fetch: () => Promise.resolve(cut()) }), one, () => undefined, new AbortController().signal)).rejects.toMatchObject({ code: 'network' })
  })

  it('says what is missing in it, and that nothing could be kept', () => {
    const of = (part: Partial<Recording>): string[] => remarks({ ...one, ...part })
    expect(of({})).toEqual([])
    expect(of({ gaps: 2 })).toEqual(['gaps'])
    expect(of({ gaps: 1, size: 0, millis: 0 })).toEqual(['empty'])
    expect(of({ gaps: 1, is_unpictured: true })).toEqual(['unpictured'])
    expect(of({ gaps: 3, is_unpictured: true })).toEqual(['unpictured', 'gaps'])
    expect(of({ gaps: 2, size: 0, is_cut: true })).toEqual(['empty', 'cut'])
    expect(of({ gaps: 2, is_unpictured: true, is_withdrawn: true })).toEqual(['unpictured', 'withdrawn'])
  })

  it('says how long it is', () => {
    expect([duration(65_000), duration(3_665_000), duration(900)]).toEqual(['1:05', '1:01:05', '0:01'])
  })

  it('that says what is missing needs no remark beside it', () => {
    expect(remarks({ ...one, gaps: 2, is_cut: true, missing: [] })).toEqual([])
    expect(remarks({ ...one, gaps: 1, size: 0, missing: [] })).toEqual(['empty'])
  })
})

describe('the films of a visit', () => {
  const at = (id: string, part: Partial<Recording>): Recording => ({ ...one, id, ...part })
  it('stand together: the patient’s, the doctor’s, then the later ones as they came, the newest visit first', () => {
    const films = [
      at('late', { started_at: 900_000, millis: 8_000, gaps: 1 }),
      at('doctor', { role: 'doctor', started_at: 10_000, millis: 508_000 }),
      at('p2', { started_at: 9_000, part: 2, millis: 90_000, gaps: 2 }),
      at('p1', { started_at: 9_000, millis: 40_000 }),
      at('old', { visit: 'w', started_at: 1_000 }),
    ]
    const [newest, older] = byVisit(films)
    expect(newest?.films.map((film) => [film.id, film.from, film.to])).toEqual([
      ['p1', 9_000, 49_000], ['doctor', 10_000, 518_000], ['p2', 49_000, 99_000], ['late', 900_000, 908_000],
    ])
    expect([newest?.from, newest?.to, newest?.gaps]).toEqual([9_000, 908_000, 3])
    expect(older?.visit).toBe('w')
  })

  it('say of each gap at what time of day it was, and why, and count the shortest', () => {
    const lost = { kind: 'video', cause: 'lost' } as const
    const film = at('a', { started_at: 1_000_000, gaps: 4, missing: [{ ...lost, from: 5_000, to: 5_300 }, { ...lost, from: 20_000, to: 58_000 }, { kind: 'video', cause: 'no_keyframe', from: 60_000, to: 60_900 }, { kind: null, cause: 'withdrawn', from: 70_000, to: 70_000 }] })
    expect(missingOf(film)).toEqual({
      short: 2, more: 0,
      shown: [
        { kind: 'video', cause: 'lost', from: 1_020_000, to: 1_058_000, isMoment: false },
        { kind: null, cause: 'withdrawn', from: 1_070_000, to: 1_070_000, isMoment: true },
      ],
    })
    expect(missingOf(at('b', { gaps: 3 }))).toEqual({ shown: [], short: 0, more: 0 })
    expect(missingOf(at('c', { missing: Array.from({ length: 15 }, (_, n) => ({ ...lost, from: 10_000 * n, to: 10_000 * n + 2_000 })) })).more).toBe(3)
  })
})
