// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { Http } from '@/protocol/http'
import { PIECE, sendPicture, type WaitingFor } from './upload'

type Fault = 'never arrives' | 'answer lost' | 'answer cut' | 'busy' | 'down' | 'forbidden' | null

/** A server that keeps what comes, over a network that breaks as told. */
function hospital(breaks: (call: number) => Fault) {
  const kept: number[] = []
  let calls = 0
  let finished = false
  const answer = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status })
  const http = new Http({
    newKey: () => 'k',
    fetch: async (url, init) => {
      calls += 1
      const fault = breaks(calls)
      if (fault === 'never arrives') throw new TypeError('gone')
      if (fault === 'busy') return answer({ code: 'request.rate_limited', message: '', retry_after: 7 }, 429)
      if (fault === 'down') return answer({ code: 'server.unavailable', message: '' }, 503)
      if (fault === 'forbidden') return answer({ code: 'auth.forbidden', message: '' }, 403)
      const state = () => ({ id: 'i', size: 0, received: kept.length, finished })
      let response = answer(state())
      if (init?.method === 'PUT') {
        const offset = Number(new URL(String(url), 'http://h').searchParams.get('offset'))
        if (offset !== kept.length) response = answer({ code: 'upload.offset', message: '' }, 409)
        else {
          for (const byte of new Uint8Array(await (init.body as Blob).arrayBuffer())) kept.push(byte)
          response = answer(state())
        }
      }
      if (String(url).endsWith('/finish')) finished = true
      if (fault === 'answer cut') return new Response(new ReadableStream({ pull: (end) => end.error(new TypeError('cut')) }))
      if (fault === 'answer lost') throw new TypeError('gone')
      return response
    },
  })
  return { http, kept, isFinished: () => finished, calls: () => calls }
}

const picture = Uint8Array.from({ length: PIECE * 2 + 77 }, (_, n) => (n * 7) % 251)
const isWhole = (kept: readonly number[]): boolean => kept.length === picture.length && picture.every((byte, at) => kept[at] === byte)
async function send(breaks: (call: number) => Fault, stopped = (): boolean => false) {
  const server = hospital(breaks)
  const waits: (WaitingFor | null)[] = []
  const pauses: number[] = []
  let failure: unknown = null
  await sendPicture(server.http, 'v', 'i', new Blob([picture]), {
    progress: () => undefined,
    waiting: (why) => waits.push(why),
    pause: async (ms) => void pauses.push(ms),
    stopped: () => stopped() || pauses.length > 20,
  }).catch((cause: unknown) => (failure = cause))
  return { ...server, waits, pauses, failure }
}

describe('a picture in pieces', () => {
  it('arrives whole over a good network', async () => {
    const { kept, isFinished } = await send(() => null)
    expect(isWhole(kept)).toBe(true)
    expect(isFinished()).toBe(true)
  })
  it('goes on where it was when the network is cut in the middle', async () => {
    const { kept, waits } = await send((call) => (call === 3 || call === 4 ? 'never arrives' : null))
    expect(isWhole(kept)).toBe(true)
    expect(waits.filter((why) => why !== null)).toEqual(['network', 'network'])
    expect(waits.at(-1)).toBeNull()
  })
  it('sends no piece twice when an answer was lost', async () => {
    const { kept } = await send((call) => (call === 2 ? 'answer lost' : null))
    expect(isWhole(kept)).toBe(true)
  })
  it.each([1, 2, 4, 5])('goes on when answer %i is cut off: it is no refusal', async (nth) => {
    const { kept, waits, isFinished, failure } = await send((call) => (call === nth ? 'answer cut' : null))
    expect([failure, isWhole(kept), isFinished()]).toEqual([null, true, true])
    expect(waits.filter((why) => why !== null)).toEqual(['network'])
  })
  it('waits out a server that is down, and says that it is the server', async () => {
    const { kept, waits, isFinished } = await send((call) => (call === 2 ? 'down' : null))
    expect(isWhole(kept) && isFinished()).toBe(true)
    expect(waits.filter((why) => why !== null)).toEqual(['server'])
    expect(waits.at(-1)).toBeNull()
  })
  it('waits as long as a server says that is asked too often', async () => {
    const { kept, waits, pauses, isFinished } = await send((call) => (call === 1 || call === 3 ? 'busy' : null))
    expect(isWhole(kept) && isFinished()).toBe(true)
    expect(waits.filter((why) => why !== null)).toEqual(['server', 'server'])
    expect(pauses).toEqual([7_000, 7_000])
  })
  it('says at each time what it waits for', async () => {
    const { waits } = await send((call) => (call === 2 ? 'never arrives' : call === 3 ? 'down' : null))
    expect(waits).toEqual([null, 'network', 'server', null, null, null, null])
  })
  it('ends with a refusal, which no waiting heals', async () => {
    const { failure, waits, pauses } = await send((call) => (call === 2 ? 'forbidden' : null))
    expect(failure).toMatchObject({ code: 'auth.forbidden' })
    expect(waits).toEqual([null])
    expect(pauses).toEqual([])
  })
  it('asks nothing more of a busy server once it is no longer wanted', async () => {
    let asked = 0
    const { calls, pauses } = await send(() => 'busy', () => (asked += 1) > 1)
    expect(pauses).toHaveLength(1)
    expect(calls()).toBe(1)
  })
})
