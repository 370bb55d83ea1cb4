// What becomes of a page's sockets, noted in the page from its beginning; and a line for them that can be cut.

import type { Page, WebSocketRoute } from '@playwright/test'

/** The way of a page's sockets. */
export interface SocketLine {
  /** Those that are open end, and none is opened any more: an emulated network leaves open ones alone. */
  cut(): Promise<void>
  mend(): void
}

/** Leads the sockets that a page will open over a line that can be cut. */
export async function socketLine(page: Page): Promise<SocketLine> {
  const sockets = new Set<WebSocketRoute>()
  let isCut = false
  await page.routeWebSocket(/\/api\/v1\/ws/, (socket) => {
    if (isCut) return void socket.close({ code: 1001 })
    sockets.add(socket)
    socket.connectToServer()
    return undefined
  })
  return {
    async cut() {
      isCut = true
      for (const socket of sockets) await socket.close({ code: 1001 })
    },
    mend() {
      isCut = false
    },
  }
}

/** Notes what becomes of a page's sockets: when the server welcomed it, and whether to its old seat. */
export async function noteSockets(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const welcomes: { at: number; resumed: boolean }[] = []
    const sockets: WebSocket[] = []
    const steps: { at: number; what: string }[] = []
    const heard: number[] = []
    Object.assign(window, { __welcomes: welcomes, __sockets: sockets, __steps: steps, __heard: heard })
    const Native = window.WebSocket
    window.WebSocket = class extends Native {
      constructor(...words: ConstructorParameters<typeof WebSocket>) {
        super(...words)
        sockets.push(this)
        const note = (what: string): unknown => steps.push({ at: Date.now(), what: `${sockets.length} ${what}` })
        note('begun')
        this.addEventListener('open', () => note('open'))
        this.addEventListener('close', () => note('closed'))
        this.addEventListener('message', ({ data }) => {
          const said = JSON.parse(String(data)) as { type: string; resumed?: boolean }
          heard.push(Date.now())
          if (said.type === 'welcome') welcomes.push({ at: Date.now(), resumed: said.resumed === true })
        })
      }
    }
  })
}

/** What became of each attempt, in milliseconds before and after the network was back. */
export const steps = (page: Page, back: number): Promise<string> =>
  page.evaluate((back) => (window as unknown as { __steps: { at: number; what: string }[] }).__steps.splice(0).map(({ at, what }) => `${at - back} ${what}`).join(', '), back)

const heard = (page: Page): Promise<number[]> => page.evaluate(() => (window as unknown as { __heard: number[] }).__heard)
export const lastHeard = async (page: Page): Promise<number> => (await heard(page)).at(-1) ?? 0
export const firstHeardAfter = async (page: Page, moment: number): Promise<number> => (await heard(page)).find((at) => at > moment) ?? NaN

export const endSockets = (page: Page): Promise<void> => page.evaluate(() => (window as unknown as { __sockets: WebSocket[] }).__sockets.forEach((one) => one.close()))

export const welcomes = (page: Page): Promise<{ at: number; resumed: boolean }[]> =>
  page.evaluate(() => (window as unknown as { __welcomes: { at: number; resumed: boolean }[] }).__welcomes)
