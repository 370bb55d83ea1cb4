import type { Page } from '@playwright/test'
import { launchChromium, PHONE } from './support/browser'
import { expectFrames } from './support/call'
import { Patient } from './support/patient'
import { invent } from './support/people'
import { expect, PATIENT_HERTZ, test, usePage } from './support/test'
import { wordsOf } from './support/words'

/** What the own camera sends, by the name of the size: bytes so far. */
function sent(page: Page): Promise<Record<string, number>> {
  return page.evaluate(async () => {
    const pc = (window as unknown as { __yunzhen: { pc: RTCPeerConnection } }).__yunzhen.pc
    const bytes: Record<string, number> = {}
    for (const one of (await pc.getStats()).values()) {
      if (one.type === 'outbound-rtp' && one.kind === 'video') bytes[one.rid ?? 'f'] = one.bytesSent
    }
    return bytes
  })
}

/** The sizes of which anything left within a second and a half. */
async function flowing(page: Page): Promise<string[]> {
  const before = await sent(page)
  await page.waitForTimeout(1_500)
  const after = await sent(page)
  return Object.keys(after).filter((rid) => (after[rid] ?? 0) > (before[rid] ?? 0) + 200).sort()
}

const pictureHeight = (page: Page): Promise<number> => page.getByTestId('remote-video').evaluate((video: HTMLVideoElement) => video.videoHeight)

/** Shows the other's picture in this height. */
async function show(page: Page, height: string): Promise<void> {
  await page.getByTestId('remote-video').evaluate((video: HTMLVideoElement, height) => {
    video.style.height = height
  }, height)
}

/** Notes from now on when a page says how large it shows the other's picture. */
function noteSaid(page: Page): Promise<void> {
  return page.evaluate(() => {
    const said: number[] = []
    Object.assign(window, { __said: said })
    const send = WebSocket.prototype.send
    WebSocket.prototype.send = function (data) {
      if (String(data).includes('"type":"view"')) said.push(Date.now())
      send.call(this, data)
    }
  })
}
const said = (page: Page): Promise<number[]> => page.evaluate(() => (window as unknown as { __said: number[] }).__said)

/** Notes from a page's beginning when it hears which sizes are watched. */
async function noteHeard(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const heard: number[] = []
    Object.assign(window, { __heard: heard })
    const Native = window.WebSocket
    window.WebSocket = class extends Native {
      constructor(...words: ConstructorParameters<typeof WebSocket>) {
        super(...words)
        this.addEventListener('message', ({ data }) => void (String(data).includes('"type":"layers"') && heard.push(Date.now())))
      }
    }
  })
}
const heard = (page: Page): Promise<number[]> => page.evaluate(() => (window as unknown as { __heard: number[] }).__heard)

/** A frame of the other's picture: when it was shown, and how high it is. */
interface Shown {
  at: number
  height: number
}

/** Notes from now on each new frame of the other's picture. */
const noteShown = (page: Page): Promise<void> =>
  page.getByTestId('remote-video').evaluate((video: HTMLVideoElement) => {
    const shown: Shown[] = []
    Object.assign(window, { __shown: shown })
    let last: number | undefined
    const look = (_: number, frame: VideoFrameCallbackMetadata): void => {
      if (frame.rtpTimestamp !== last) shown.push({ at: Date.now(), height: frame.height })
      last = frame.rtpTimestamp
      video.requestVideoFrameCallback(look)
    }
    video.requestVideoFrameCallback(look)
  })
const shown = (page: Page): Promise<Shown[]> => page.evaluate(() => (window as unknown as { __shown: Shown[] }).__shown)

/** A change of the tile: when, and how high the picture was before. */
interface Change {
  began: number
  before: number
}
const change = (page: Page, height: string): Promise<Change> =>
  page.getByTestId('remote-video').evaluate((video: HTMLVideoElement, height) => {
    const before = video.videoHeight
    video.style.height = height
    return { began: Date.now(), before }
  }, height)

/** The milliseconds from a change of the tile to the first frame that `counts`, and to what happens in between. */
async function until(viewer: Page, camera: Page, height: string, counts: (frame: Shown, before: number) => boolean): Promise<{ took: number; began: number; steps: string }> {
  const { began, before } = await change(viewer, height)
  const first = async (): Promise<number> => (await shown(viewer)).find((frame) => frame.at >= began && counts(frame, before))?.at ?? NaN
  await expect.poll(first, { timeout: 10_000, intervals: [100] }).not.toBeNaN()
  const after = (moments: readonly number[]): string => String((moments.find((at) => at >= began) ?? NaN) - began)
  const took = (await first()) - began
  return { took, began, steps: `said after ${after(await said(viewer))}, heard after ${after(await heard(camera))}, shown after ${took} ms` }
}

/** The longest pause between two frames of a picture at which nothing changed: what this machine in this minute adds to any. */
const hiccup = (frames: readonly Shown[], ruled: readonly { began: number; took: number }[]): number =>
  Math.max(...frames.slice(1).map((frame, n) => {
    const from = frames[n]?.at ?? frame.at
    return ruled.some(({ began, took }) => frame.at >= began && from <= began + took) ? 0 : frame.at - from
  }))

/** The value in the middle. */
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
/** The goal. */
const SWITCHED_MS = 300

test('nobody sends a larger picture than is shown, and a larger tile gets it at once', async ({ server, desk }, info) => {
  const phones = await launchChromium({ camera: 'moving', hertz: PATIENT_HERTZ })
  await usePage(phones, server.baseURL, PHONE, info, 'patient', async (page) => {
    await Promise.all([noteHeard(page), noteSaid(desk.page)])
    // A telephone of today has more cores than the machine of this test.
    await page.addInitScript(() => Object.defineProperty(navigator, 'hardwareConcurrency', { get: () => 8 }))
    const patient = new Patient(page, wordsOf('zh'), server.link)
    await patient.appear(server, invent('is shown in many sizes'))
    await desk.openDesk()
    await desk.callNext()
    await patient.accept()
    await desk.confirm()
    await expectFrames(desk.page)
    await expectFrames(page)

    // The desk shows the patient large: the largest alone is sent, once the others have been found unwatched.
    await expect.poll(() => flowing(page), { timeout: 30_000 }).toEqual(['f'])
    const whole = await pictureHeight(desk.page)

    await show(desk.page, '100px')
    // A busy machine makes its largest picture smaller for a while, so the sizes are told apart, not measured.
    await expect.poll(() => pictureHeight(desk.page), { timeout: 20_000 }).toBeLessThan(whole / 2)
    await expect.poll(() => flowing(page), { timeout: 20_000 }).toEqual(['q'])

    // Hidden and shown again, and up and down again, measured; the figures are in docs/BENCHMARKS.md. Each time what is about to
    // come rests before.
    await noteShown(desk.page)
    const unpaused: { took: number; began: number; steps: string }[] = []
    for (let n = 0; n < 3; n += 1) {
      await show(desk.page, '0px')
      await expect.poll(() => flowing(page), { timeout: 20_000 }).toEqual([])
      unpaused.push(await until(desk.page, page, '100px', () => true))
    }
    await expect.poll(() => flowing(page), { timeout: 20_000 }).toEqual(['q'])
    const begin = Date.now()
    const switched: typeof unpaused = []
    for (const [height, only] of [['', 'q'], ['100px', 'f'], ['', 'q'], ['100px', 'f'], ['', 'q'], ['100px', 'f'], ['', 'q']] as const) {
      await expect.poll(() => flowing(page), { timeout: 20_000 }).toEqual([only])
      switched.push(await until(desk.page, page, height, (frame, before) => frame.height !== before))
    }
    const pause = hiccup((await shown(desk.page)).filter(({ at }) => at >= begin), switched)
    for (const [what, all] of [['unpaused', unpaused], ['switched', switched]] as const) {
      const times = all.map(({ took }) => took)
      info.annotations.push({ type: `milliseconds until ${what}`, description: `${times.join(', ')}; without a change ${pause}; ${all.map(({ steps }) => steps).join('; ')}` })
      expect(median(times), what).toBeLessThan(SWITCHED_MS)
      // The worst as well, but for what this machine adds to a picture at which nothing changes.
      expect(Math.max(...times), what).toBeLessThan(SWITCHED_MS + pause)
    }
    await expect.poll(() => pictureHeight(desk.page), { timeout: 20_000 }).toBeGreaterThan(whole / 2)
    await expectFrames(desk.page)
    await expectFrames(page)
  })
  await phones.close()
})
