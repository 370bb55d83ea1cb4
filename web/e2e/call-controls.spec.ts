import type { Page } from '@playwright/test'
import { expectCall, expectFrames, received } from './support/call'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'
import { expect, test } from './support/test'
import { socketLine } from './support/sockets'

/** One pixel is a picture too. */
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')

/** A second camera, on the back of the telephone, that sees green: a browser's fake devices from a file are one. */
async function addBackCamera(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const devices = navigator.mediaDevices
    const [list, take] = [devices.enumerateDevices.bind(devices), devices.getUserMedia.bind(devices)]
    devices.enumerateDevices = async () => {
      const all = await list()
      return [...all, ...all.filter((one) => one.kind === 'videoinput')]
    }
    devices.getUserMedia = async (wish) => {
      if (!JSON.stringify(wish).includes('environment')) return take(wish)
      const canvas = document.createElement('canvas')
      canvas.width = 64
      canvas.height = 48
      const pen = canvas.getContext('2d')
      setInterval(() => {
        if (!pen) return
        pen.fillStyle = '#00ff00'
        pen.fillRect(0, 0, 64, 48)
      }, 50)
      return canvas.captureStream(20)
    }
  })
}

/** No sound arrives any more. */
async function expectSilence(page: Page): Promise<void> {
  await expect
    .poll(async () => {
      const before = (await received(page)).audioEnergy
      await page.waitForTimeout(1_000)
      return (await received(page)).audioEnergy - before
    }, { message: 'audio energy of a muted microphone' })
    .toBeLessThan(0.0001)
}
async function expectPicture(page: Page): Promise<void> {
  const image = page.getByTestId('chat-line').locator('img')
  await expect.poll(() => image.last().evaluate((one: HTMLImageElement) => one.naturalWidth)).toBeGreaterThan(0)
}
async function sendPicture(page: Page): Promise<void> {
  await page.getByTestId('chat-file').setInputFiles({ name: 'photo.png', mimeType: 'image/png', buffer: PIXEL })
  await page.getByTestId('chat-send').click()
}

test('every control of the call does what its word says', async ({ server, patient, desk }) => {
  test.setTimeout(180_000)
  const { page } = patient
  await addBackCamera(page)
  const at = (id: string) => page.getByTestId(id)
  const sockets = await socketLine(page)
  await patient.appear(server, invent('presses every button'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(page, desk.page)

  // The doctor large, oneself small; who is here, by name.
  const [large, small] = await Promise.all([at('remote-video').boundingBox(), at('self-view').boundingBox()])
  const area = (box: { width: number; height: number } | null) => (box?.width ?? 0) * (box?.height ?? 0)
  expect(area(small)).toBeGreaterThan(0)
  expect(area(small)).toBeLessThan(area(large) / 4)
  await expect(at('who-is-here')).toContainText('医师')
  await expectNoSidewaysScroll(page, 'call')

  await at('control-mic').click()
  await expect(at('control-mic')).toHaveAttribute('data-off', 'true')
  await expectSilence(desk.page)
  await expectAccessible(page, 'call, muted')
  await at('control-mic').click()
  const quiet = (await received(desk.page)).audioEnergy
  await expect.poll(async () => (await received(desk.page)).audioEnergy - quiet).toBeGreaterThan(0.001)

  const word = desk.page.getByTestId('stage-word')
  await at('control-camera').click()
  await expect(word).toContainText(/没有开摄像头/)
  await at('control-camera').click()
  await expect(word).toBeHidden()
  await at('control-voice').click()
  await expect(at('control-voice')).toHaveAttribute('aria-pressed', 'true')
  await expect(word).toContainText(/没有开摄像头/)
  await expectAccessible(page, 'call, voice only')
  await at('control-voice').click()
  await expect(word).toBeHidden()
  await expectFrames(desk.page)

  // Another camera is another track.
  const label = () => at('self-video').evaluate((video: HTMLVideoElement) => (video.srcObject as MediaStream).getVideoTracks()[0]?.label)
  const before = await label()
  await at('control-flip').click()
  await expect.poll(label).not.toBe(before)
  await expectFrames(desk.page)

  // Pictures beside the call, both ways.
  await at('control-chat').click()
  await desk.page.getByTestId('control-chat').click()
  await sendPicture(page)
  await expectPicture(desk.page)
  await sendPicture(desk.page)
  await expect(at('chat-line').locator('img')).toHaveCount(2)
  await expectPicture(page)
  await expectAccessible(page, 'call, with the conversation')
  await expectNoSidewaysScroll(page, 'call, with the conversation')
  await picture(page, 'patient-chat')
  await at('chat-line').locator('button:has(img)').first().click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await expectAccessible(page, 'call, a picture large')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toBeHidden()
  await at('control-chat').or(page.getByRole('button', { name: patient.say('chat.close') })).first().click()

  // Reconnecting counts the seconds.
  await page.context().setOffline(true)
  await sockets.cut()
  await expect(at('reconnecting')).toContainText(/[3-9]|1\d/)
  await expectAccessible(page, 'call, reconnecting')
  sockets.mend()
  await page.context().setOffline(false)
  await expect(at('reconnecting')).toHaveCount(0)

  // Hanging up is asked about.
  await at('control-hang-up').click()
  await expect(page.getByRole('dialog')).toBeVisible()
  await expectAccessible(page, 'the question before hanging up')
  await patient.button(patient.say('stage.hang_up.no')).click()
  await expectFrames(page)
  await at('control-hang-up').click()
  await page.getByRole('dialog').getByRole('button', { name: patient.say('stage.hang_up.yes') }).click()
  await expect(patient.heading(patient.say('call.left.title'))).toBeVisible()
  await expectAccessible(page, 'call, left')
  await expectNoSidewaysScroll(page, 'call, left')
  await patient.returnToCall()
  await expectFrames(page)
})
