import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from './support/test'
import { expectCall, middlePixel } from './support/call'
import { expectAccessible, picture } from './support/look'
import { invent } from './support/people'
import { meet } from './support/room'
import type { Server } from './support/server'

/** Lets the fever clinic record those who agree, as its operator does. */
function record(server: Server): void {
  const binary = process.env['YUNZHEN_BIN'] ?? fileURLToPath(new URL('../../target/debug/yunzhen', import.meta.url))
  const env = { YUNZHEN_DATA_DIR: server.dataDir, YUNZHEN_PUBLIC_URL: 'https://clinic.example', YUNZHEN_MEDIA_ANNOUNCE: '127.0.0.1:9' }
  execFileSync(binary, ['record', 'fever', 'with-consent'], { env })
}

test('a tap on the mark, asked once, stops the recording for both, and the call goes on', async ({ server, patient, desk }) => {
  test.setTimeout(120_000)
  record(server)
  await desk.page.reload()
  await meet(server, patient, desk, invent('stops the recording'))
  await expectCall(patient.page, desk.page)
  const mark = patient.page.getByTestId('stop-recording')
  await expect(mark).toHaveText(`${patient.say('stage.recording.on')} ${patient.say('stage.recording.stop')}`)
  expect((await mark.boundingBox())?.height).toBeGreaterThanOrEqual(48)
  await expect(desk.page.getByTestId('stop-recording'), 'the patient decides').toHaveCount(0)
  await mark.click()
  await expect(patient.page.getByRole('dialog')).toContainText(patient.say('stage.unrecord.title'))
  await expectAccessible(patient.page, 'stop recording')
  await picture(patient.page, 'patient-stop-recording')
  await patient.page.getByTestId('stop-recording-yes').click()
  for (const page of [patient.page, desk.page]) {
    await expect(page.locator('[data-recording="false"]')).toHaveText(patient.say('stage.recording.off'))
  }
  await picture(patient.page, 'patient-recording-stopped')
  await expectCall(patient.page, desk.page)
  await expect(async () => {
    await desk.page.getByTestId('desk-more').click()
    await desk.page.getByTestId('recordings').click()
    // From when on, and why.
    const rows = desk.page.getByTestId('recording-row').filter({ has: desk.page.getByTestId('recording-gap').filter({ hasText: new RegExp(`\\d\\d:\\d\\d:\\d\\d ${patient.say('recordings.since', { from: '' }).trim()}.*${patient.say('recordings.cause.withdrawn')}`) }) })
    await expect(rows).toHaveCount(2, { timeout: 1000 }).catch(async (cause: unknown) => {
      await desk.page.keyboard.press('Escape')
      throw cause
    })
  }).toPass({ timeout: 20_000 })
  await picture(desk.page, 'desk-recording-withdrawn')
})

test('a visit is recorded with consent, both see the mark, and the doctor plays it afterwards with sound and picture', async ({ server, patient, desk }) => {
  test.setTimeout(180_000)
  record(server)
  await desk.page.reload()
  await meet(server, patient, desk, invent('is recorded'))
  await expectCall(patient.page, desk.page)
  for (const page of [patient.page, desk.page]) {
    const mark = page.locator('[data-recording="true"]')
    await expect(mark).toBeVisible()
    await expect(mark).toContainText(patient.say('stage.recording.on'))
  }
  await picture(patient.page, 'patient-recorded')
  await picture(desk.page, 'desk-recorded')
  await desk.write({ complaint: '咳嗽', diagnosis: '急性支气管炎', advice: '休息' })
  await desk.chooseOutcome('follow_up')
  await desk.sign()
  await desk.end()

  const { page } = desk
  await expect(async () => {
    await page.getByTestId('desk-more').click()
    await page.getByTestId('recordings').click()
    await expect(page.getByTestId('recording-row')).toHaveCount(2, { timeout: 1000 }).finally(async () => {
      if ((await page.getByTestId('recording-row').count()) !== 2) await page.keyboard.press('Escape')
    })
  }).toPass({ timeout: 20_000 })
  // The two stand under their visit; which of them plays is said.
  await expect(page.getByTestId('recordings-visit')).toHaveCount(1)
  await expect(page.getByTestId('recordings-visit')).toContainText(desk.say('recordings.films', { n: 2 }))
  for (const [role, colour] of [['patient', 0], ['doctor', 2]] as const) {
    await page.locator(`[data-testid="recording-row"][data-role="${role}"]`).getByTestId('recording-play').click()
    const film = page.getByTestId('film')
    await expect(film).toBeVisible()
    await expect(page.locator(`[data-testid="recording-row"][data-role="${role}"]`)).toHaveAttribute('aria-current', 'true')
    const played = () => film.evaluate((one: HTMLVideoElement & { webkitAudioDecodedByteCount: number; webkitDecodedFrameCount: number }) =>
      one.currentTime > 1.5 && one.webkitAudioDecodedByteCount > 1000 && one.webkitDecodedFrameCount > 10)
    await expect.poll(played, { message: `the ${role}'s film plays with sound and picture`, timeout: 15_000 }).toBe(true)
    const pixel = await middlePixel(page)
    expect(pixel[colour], `the ${role} is seen: ${pixel.join(' ')}`).toBe(Math.max(...pixel))
    const length = await film.evaluate((one: HTMLVideoElement) => one.duration)
    expect(length).toBeGreaterThan(2)
    // A player may begin anywhere.
    await film.evaluate((one: HTMLVideoElement) => { one.currentTime = one.duration / 2 })
    await expect.poll(() => film.evaluate((one: HTMLVideoElement) => !one.seeking && one.currentTime >= one.duration / 2)).toBe(true)
    if (role === 'patient') {
      await expectAccessible(page, 'process records')
      await picture(page, 'desk-recordings')
    }
  }
})
