import type { Page } from '@playwright/test'

interface Rings {
  tones: number
  shakes: number
}

/** Counts the tones that a page starts and how often it shakes the telephone. Before the page is opened. */
export async function countRings(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const rings: Rings = { tones: 0, shakes: 0 }
    Object.assign(window, { __rings: rings })
    const start = OscillatorNode.prototype.start
    OscillatorNode.prototype.start = function (when?: number) {
      rings.tones += 1
      return start.call(this, when)
    }
    navigator.vibrate = (pattern) => {
      if (pattern !== 0) rings.shakes += 1
      return true
    }
  })
}

export function ringsOf(page: Page): Promise<Rings> {
  return page.evaluate(() => (window as unknown as { __rings: Rings }).__rings)
}
