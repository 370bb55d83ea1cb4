import { describe, expect, it } from 'vitest'
import { Http } from '@/protocol/http'
import type { Recording } from '@/protocol/staff'
import { duration, film, remarks } from './recordings'

const STRETCH = 4 * 1024 * 1024
const one: Recording = {
  id: 'r', visit: 'v', no: 1, name_masked: '演**', role: 'patient', part: 1, started_at: 0, millis: 65_000, gaps: 0, is_cut: false, is_withdrawn: false, is_unpictured: false, is_screen: false, size: STRETCH + 10, retain_until: 1,
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
})
