import type { Page } from '@playwright/test'
import { launchChromium, PHONE } from './support/browser'
import { expectFrames, expectSound, received } from './support/call'
import { Patient } from './support/patient'
import { invent } from './support/people'
import { readyToCount, spent } from './support/spent'
import { expect, PATIENT_HERTZ, test, usePage } from './support/test'
import { readyForLoss, tellLoss } from './support/told-loss'
import { wordsOf } from './support/words'

// The rungs on a real network are the cage's (caged-ladder.spec.ts). Here the patient's browser is told of loss, and all else is as
// in life: what the page does at each rung, what both read, and what goes over the wire.

const DOWN = [['low', 'stage.rung.low'], ['voice', 'stage.paused'], ['still', 'stage.rung.still']] as const
const UP = [['voice', 'stage.paused'], ['low', 'stage.rung.low']] as const
/** Loss with which no rung holds above the stills. */
const LOST = 0.3
const COUNTED_MS = 10_000
const MOST_KBPS = 64

/** How many different stills a page shows within so long. */
function stills(page: Page, ms: number): Promise<number> {
  return page.evaluate(async (until) => {
    const seen = new Set<string>()
    const began = performance.now()
    while (performance.now() - began < until) {
      const shown = document.querySelector<HTMLImageElement>('[data-testid="remote-still"]')
      if (shown?.complete && shown.naturalWidth > 0) seen.add(shown.src)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return seen.size
  }, ms)
}

/** Bytes of pictures that left so far. */
function filmed(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const all = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    let bytes = 0
    ;(await all.filter((one) => one.connectionState === 'connected').at(-1)?.getStats())?.forEach((one: Record<string, unknown>) => {
      if (one['type'] === 'outbound-rtp' && one['kind'] === 'video') bytes += Number(one['bytesSent'])
    })
    return bytes
  })
}

test('a browser that is told of loss goes down to stills that cost 64 kbit/s with the voice, and up again, with a word to both at each rung', async ({ server, desk }, info) => {
  test.setTimeout(240_000)
  // One colour would make small stills of any room.
  const phones = await launchChromium({ camera: 'moving', hertz: PATIENT_HERTZ })
  try {
    await usePage(phones, server.baseURL, PHONE, info, 'patient', async (page) => {
      await readyForLoss(page)
      await readyToCount(page)
      const patient = new Patient(page, wordsOf('zh'), server.link)
      await patient.appear(server, invent('on a network that is said to be poor'))
      await desk.openDesk()
      await desk.callNext()
      await patient.accept()
      await desk.confirm()
      await Promise.all([expectFrames(page), expectFrames(desk.page)])
      const [own, other] = [page.getByTestId('rung'), desk.page.getByTestId('other-rung')]
      await expect(own).toHaveCount(0)

      await tellLoss(page, LOST)
      for (const [rung, word] of DOWN) {
        await expect(own, rung).toContainText(patient.say(word), { timeout: 30_000 })
        await expect(other.first(), rung).toBeVisible()
      }
      await expect(desk.page.getByTestId('remote-still')).toBeVisible({ timeout: 20_000 })
      await expect(desk.page.getByTestId('remote-video')).toBeHidden()
      // The network is poor, and not poor enough for the telephone.
      await tellLoss(page, 0.25)
      const [before, pictures] = [await spent(page), await filmed(page)]
      const shown = await stills(desk.page, COUNTED_MS)
      const [after, later] = [await spent(page), await filmed(page)]
      const kbps = (bytes: number): number => (bytes * 8) / (after.at - before.at)
      const [media, words] = [kbps(after.media - before.media), kbps(after.words - before.words)]
      info.annotations.push({ type: 'figure', description: `${media.toFixed(1)} kbit/s of media and ${words.toFixed(1)} of the socket, ${shown} stills in ten seconds` })
      expect(later - pictures, 'no moving picture leaves').toBe(0)
      expect(media, 'the voice is sent').toBeGreaterThan(5)
      expect(words, 'stills are sent').toBeGreaterThan(5)
      expect(media + words).toBeLessThanOrEqual(MOST_KBPS)
      // One every two seconds, as long as a busy machine draws them in time.
      expect(shown).toBeGreaterThanOrEqual(3)
      expect(shown).toBeLessThanOrEqual(6)
      await expectSound(desk.page)

      await tellLoss(page, 0)
      for (const [rung, word] of UP) {
        await expect(own, rung).toContainText(patient.say(word), { timeout: 30_000 })
        await expect(other.first(), rung).toBeVisible()
      }
      await expect(desk.page.getByTestId('remote-still')).toHaveCount(0)
      await expect(own).toHaveCount(0, { timeout: 30_000 })
      await expect(other).toHaveCount(0)
      const frames = (await received(desk.page)).frames
      await expect.poll(async () => (await received(desk.page)).frames, { timeout: 20_000 }).toBeGreaterThan(frames + 15)
    })
  } finally {
    await phones.close()
  }
})
