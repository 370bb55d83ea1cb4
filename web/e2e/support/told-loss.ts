// A browser whose own statistics tell of loss that there is none of: all that its page does follows, and the network stays as wide as it is.

import type { Page } from '@playwright/test'

/** Makes a page ready; before anything is opened in it. */
export async function readyForLoss(page: Page): Promise<void> {
  await page.addInitScript(() => {
    Object.assign(window, { __lost: 0 })
    const native = RTCPeerConnection.prototype.getStats
    RTCPeerConnection.prototype.getStats = async function (...words) {
      const told = new Map<string, Record<string, unknown>>()
      ;(await native.apply(this, words)).forEach((one: Record<string, unknown>, id: string) => {
        const lost = (window as unknown as { __lost: number }).__lost
        told.set(id, one['type'] === 'remote-inbound-rtp' ? { ...one, fractionLost: lost } : one)
      })
      return told as unknown as RTCStatsReport
    }
  })
}

/** From now on so much of what the page sends is said to be lost. */
export const tellLoss = (page: Page, share: number): Promise<void> => page.evaluate((share) => void Object.assign(window, { __lost: share }), share)
