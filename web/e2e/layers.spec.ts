import type { Page } from '@playwright/test'
import { launchChromium, PHONE } from './support/browser'
import { expectFrames, received } from './support/call'
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

/** The milliseconds from a change of the tile to the first frame of the other size, and to what happens in between. */
async function switched(viewer: Page, camera: Page, height: string): Promise<{ shown: number; steps: string }> {
  const { began, seen } = await viewer.getByTestId('remote-video').evaluate(
    (video: HTMLVideoElement, height) =>
      new Promise<{ began: number; seen: number }>((resolve) => {
        const before = video.videoHeight
        const began = Date.now()
        const look = (_: number, frame: VideoFrameCallbackMetadata): void => {
          if (frame.height !== before) resolve({ began, seen: Date.now() })
          else video.requestVideoFrameCallback(look)
        }
        video.requestVideoFrameCallback(look)
        video.style.height = height
      }),
    height,
  )
  const after = (moments: readonly number[]): string => String((moments.find((at) => at >= began) ?? NaN) - began)
  return { shown: seen - began, steps: `said after ${after(await said(viewer))}, heard after ${after(await heard(camera))}, shown after ${seen - began} ms` }
}

/** The value in the middle. */
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
/** The goal, for the one in the middle: what a busy machine adds to one of them is not what is proved here. */
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

    await show(desk.page, '0px')
    await expect.poll(() => flowing(page), { timeout: 20_000 }).toEqual([])
    const frames = (await received(desk.page)).frames
    await show(desk.page, '100px')
    await expect.poll(async () => (await received(desk.page)).frames, { timeout: 10_000 }).toBeGreaterThan(frames)

    // Up and down again, measured; the figures are in docs/BENCHMARKS.md. Each time the other size rests before.
    const times: number[] = []
    const steps: string[] = []
    for (const [height, only] of [['', 'q'], ['100px', 'f'], ['', 'q'], ['100px', 'f'], ['', 'q'], ['100px', 'f'], ['', 'q']] as const) {
      await expect.poll(() => flowing(page), { timeout: 20_000 }).toEqual([only])
      const one = await switched(desk.page, page, height)
      times.push(one.shown)
      steps.push(`${height === '' ? 'large' : 'small'}: ${one.steps}`)
    }
    info.annotations.push({ type: 'milliseconds from the tile to the other size', description: `${times.join(', ')}; ${steps.join('; ')}` })
    expect(median(times)).toBeLessThan(SWITCHED_MS)
    await expect.poll(() => pictureHeight(desk.page), { timeout: 20_000 }).toBeGreaterThan(whole / 2)
    await expectFrames(desk.page)
    await expectFrames(page)
  })
  await phones.close()
})
