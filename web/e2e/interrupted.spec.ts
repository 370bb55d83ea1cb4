import type { Page } from '@playwright/test'
import { expect, test } from './support/test'
import { expectCall, expectFrames, expectSound } from './support/call'
import { invent } from './support/people'

// What a telephone does to a page that is in a call. The events are those of the browser's own tracks, said by the test in its place:
// no desktop's browser takes a device away.

interface Told {
  /** How often devices were asked for. */
  __asked: number
  __connections: RTCPeerConnection[]
}

async function readyToInterrupt(page: Page): Promise<void> {
  await page.addInitScript(() => {
    Object.assign(window, { __asked: 0 })
    const devices = navigator.mediaDevices
    const native = devices.getUserMedia.bind(devices)
    devices.getUserMedia = (wanted) => {
      ;(window as unknown as Told).__asked += 1
      return native(wanted)
    }
  })
}

const asked = (page: Page): Promise<number> => page.evaluate(() => (window as unknown as Told).__asked)

/** The system takes both devices: their tracks end, or say nothing any more. The names of these tracks. */
function take(page: Page, how: 'ended' | 'muted'): Promise<string[]> {
  return page.evaluate((how) => {
    const senders = (window as unknown as Told).__connections.filter((one) => one.connectionState === 'connected').at(-1)?.getSenders() ?? []
    const tracks = senders.map((one) => one.track).filter((one) => one !== null)
    for (const track of tracks) {
      if (how === 'ended') {
        track.stop()
        track.dispatchEvent(new Event('ended'))
      } else {
        // What it still sends is silence: nobody hears of it.
        track.enabled = false
        Object.defineProperty(track, 'muted', { value: true })
        track.dispatchEvent(new Event('mute'))
      }
    }
    return tracks.map((one) => one.id)
  }, how)
}

/** The names of the tracks that are sent now, of both devices. */
function sends(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const senders = (window as unknown as Told).__connections.filter((one) => one.connectionState === 'connected').at(-1)?.getSenders() ?? []
    return senders.map((one) => one.track).filter((one) => one?.readyState === 'live' && !one.muted && one.enabled).map((one) => one?.id ?? '')
  })
}

/** The page goes into the background, or comes back. */
const hide = (page: Page, isHidden: boolean): Promise<void> =>
  page.evaluate((isHidden) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (isHidden ? 'hidden' : 'visible') })
    document.dispatchEvent(new Event('visibilitychange'))
  }, isHidden)

test('a call that a telephone interrupts has both devices again by itself, whether their tracks ended, were muted, or the page was hidden', async ({ server, patient, desk }) => {
  const { page } = patient
  await readyToInterrupt(page)
  await patient.appear(server, invent('is called by somebody else'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(page, desk.page)

  async function areBack(before: string[], why: string): Promise<void> {
    expect(before, why).toHaveLength(2)
    await expect.poll(async () => (await sends(page)).filter((one) => !before.includes(one)).length, { message: why, timeout: 20_000 }).toBe(2)
    await Promise.all([expectFrames(desk.page), expectSound(desk.page)])
  }
  await areBack(await take(page, 'ended'), 'ended')
  await areBack(await take(page, 'muted'), 'muted')

  await hide(page, true)
  const [before, until] = [await take(page, 'ended'), await asked(page)]
  // Longer than any pause between two tries in the foreground was.
  await page.waitForTimeout(4_000)
  expect(await asked(page), 'a page in the background asks for nothing').toBe(until)
  await hide(page, false)
  await areBack(before, 'hidden')
})
