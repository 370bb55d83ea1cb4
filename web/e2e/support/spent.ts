// What a page puts on the wire, media and socket, with everything that stands around it.

import type { Page } from '@playwright/test'

/** What UDP and IP put around a packet. */
const DATAGRAM = 28
/** Around a word on the socket: a frame of WebSocket with its mask, and a record of TLS; around each segment of it TCP and IP with times. */
const WORD = 8 + 29
const SEGMENT = { holds: 1_400, head: 52 }

/** Counts what the page says on its socket from its beginning; before anything is opened in it. */
export async function readyToCount(page: Page): Promise<void> {
  await page.addInitScript(({ WORD, SEGMENT }) => {
    Object.assign(window, { __words: 0 })
    const native = WebSocket.prototype.send
    WebSocket.prototype.send = function (data) {
      const bytes = new TextEncoder().encode(String(data)).length + WORD
      const all = window as unknown as { __words: number }
      all.__words += bytes + SEGMENT.head * Math.ceil(bytes / SEGMENT.holds)
      native.call(this, data)
    }
  }, { WORD, SEGMENT })
}

export interface Spent {
  at: number
  /** Bytes so far. */
  media: number
  words: number
}

/** So far; of the connection that is there now. */
export function spent(page: Page): Promise<Spent> {
  return page.evaluate(async (DATAGRAM) => {
    const { __connections: all, __words: words } = window as unknown as { __connections: RTCPeerConnection[]; __words: number }
    let media = 0
    ;(await all.filter((one) => one.connectionState === 'connected').at(-1)?.getStats())?.forEach((one: Record<string, unknown>) => {
      if (one['type'] === 'transport') media += Number(one['bytesSent']) + DATAGRAM * Number(one['packetsSent'])
    })
    return { at: performance.now(), media, words }
  }, DATAGRAM)
}
