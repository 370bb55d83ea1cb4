import type { Page } from '@playwright/test'
import { expect, test } from './support/test'
import { expectCall, expectSound } from './support/call'
import { invent } from './support/people'
import { picture } from './support/look'

/** The packets of a microphone or a camera stop, and no new track helps: what a dead device or a broken page looks like. */
function hush(page: Page, kind: 'audio' | 'video'): Promise<void> {
  return page.evaluate(async (kind) => {
    const all = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    const sender = all.filter((one) => one.connectionState === 'connected').at(-1)?.getSenders().find((one) => one.track?.kind === kind)
    if (!sender) throw new Error(`no ${kind} is sent`)
    await sender.replaceTrack(null)
    Object.assign(sender, { replaceTrack: () => Promise.resolve() })
  }, kind)
}
/** A device asked for anew helps again. */
function release(page: Page): Promise<void> {
  return page.evaluate(() => {
    const all = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    for (const sender of all.filter((one) => one.connectionState === 'connected').at(-1)?.getSenders() ?? []) Reflect.deleteProperty(sender, 'replaceTrack')
  })
}

test('a silent microphone is told to both sides within 3.5 s, and comes back by itself', async ({ server, patient, desk }) => {
  await patient.appear(server, invent('with a dead microphone'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
  for (const page of [patient.page, desk.page]) await expect(page.getByTestId('silent')).toHaveCount(0)

  await Promise.all([hush(patient.page, 'audio'), hush(desk.page, 'video')])
  const began = Date.now()
  const told = [patient.page, desk.page].map(async (page) => {
    await page.getByTestId('silent').waitFor({ timeout: 10_000 })
    return Date.now() - began
  })
  const [own = 0, other = 0] = await Promise.all(told)
  test.info().annotations.push({ type: 'figure', description: `told after ${own} ms to the patient, ${other} ms to the doctor` })
  // The rest is the time that this test takes to see it.
  expect(Math.max(own, other)).toBeLessThan(4_000)
  await expect(patient.page.getByTestId('silent')).toHaveText(patient.say('stage.silent.own.audio'))
  await picture(patient.page, 'silent-patient')
  await picture(desk.page, 'silent-desk')

  // The doctor's camera died in the same moment: a silent voice is told first, and the picture as soon as there is a voice again.
  await release(patient.page)
  await expect(desk.page.getByTestId('silent')).toHaveText(desk.say('stage.silent.own.video'), { timeout: 20_000 })
  await expect(patient.page.getByTestId('silent')).toContainText('摄像头已超过 3 秒')
  await release(desk.page)
  for (const page of [patient.page, desk.page]) await expect(page.getByTestId('silent')).toHaveCount(0, { timeout: 20_000 })
  await expectSound(desk.page)
})
