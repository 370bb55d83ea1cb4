// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { Http } from '@/protocol/http'
import { PIECE, sendPicture } from './upload'

/** A server that keeps what comes, over a network that breaks as told. */
function hospital(breaks: (call: number) => 'never arrives' | 'answer lost' | null) {
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
      if (fault === 'answer lost') throw new TypeError('gone')
      return response
    },
  })
  return { http, kept, isFinished: () => finished }
}

const picture = Uint8Array.from({ length: PIECE * 2 + 77 }, (_, n) => (n * 7) % 251)
const isWhole = (kept: readonly number[]): boolean => kept.length === picture.length && picture.every((byte, at) => kept[at] === byte)
async function send(breaks: (call: number) => 'never arrives' | 'answer lost' | null) {
  const server = hospital(breaks)
  const waits: boolean[] = []
  await sendPicture(server.http, 'v', 'i', new Blob([picture]), { progress: () => undefined, waiting: (on) => waits.push(on), pause: async () => undefined, stopped: () => false })
  return { ...server, waits }
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
    expect(waits).toContain(true)
    expect(waits.at(-1)).toBe(false)
  })
  it('sends no piece twice when an answer was lost', async () => {
    const { kept } = await send((call) => (call === 2 ? 'answer lost' : null))
    expect(isWhole(kept)).toBe(true)
  })
})
