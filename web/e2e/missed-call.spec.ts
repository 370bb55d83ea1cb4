import { expect, test } from './support/test'
import { expectAccessible, picture } from './support/look'
import type { Patient } from './support/patient'
import { invent } from './support/people'
import { countRings, ringsOf } from './support/rings'

/** Full screen, sound, vibration, and ninety seconds. */
async function expectLoudCall(patient: Patient): Promise<void> {
  const box = await patient.page.locator('.called').boundingBox()
  expect(box).toEqual({ x: 0, y: 0, ...patient.page.viewportSize() })
  const left = Number(/\d+/.exec((await patient.page.getByRole('timer').textContent()) ?? '')?.[0])
  expect(left).toBeGreaterThan(85)
  expect(left).toBeLessThanOrEqual(90)
  const before = await ringsOf(patient.page)
  await expect.poll(async () => (await ringsOf(patient.page)).tones, { message: 'it goes on ringing' }).toBeGreaterThan(before.tones)
  expect((await ringsOf(patient.page)).shakes).toBeGreaterThan(0)
  await expect.poll(() => patient.page.title(), { message: 'the title flashes' }).toContain(patient.say('called.tab_title'))
}

test('a call that nobody answers moves the ticket back and says so', async ({ server, patient, another, desk }) => {
  // The full ninety seconds, once: nobody presses anything.
  test.setTimeout(240_000)
  await countRings(patient.page)
  await patient.appear(server, invent('asleep'))
  await patient.button(patient.say('wait.sound')).click()
  await another.appear(server, invent('awake'))
  await desk.openDesk()
  await desk.callNext()
  await patient.expectCalled()
  await expectLoudCall(patient)
  await patient.page.waitForTimeout(78_000)
  await patient.expectCalled()
  await expect(patient.heading(patient.say('called.calling'))).toBeHidden({ timeout: 16_000 })
  await patient.expectWaiting()
  await expect(patient.page.getByText(/刚才没有接听/).first()).toBeVisible()
  await expectAccessible(patient.page, 'waiting after a missed call')
  await picture(patient.page, 'patient-missed')

  await desk.callNext()
  await another.expectCalled()
})

test('a ticket that missed its last call is void, and can be taken again without a new declaration', async ({ server, patient, desk }) => {
  await patient.appear(server, invent('never there'))
  await desk.openDesk()
  for (let calls = 0; calls < 10; calls += 1) {
    await desk.callNext()
    await patient.expectCalled()
    await desk.skip()
    await expect(patient.heading(patient.say('called.calling'))).toBeHidden()
    if (await patient.isVoid()) break
  }
  await expect(patient.heading(patient.say('ended.no_show.title'))).toBeVisible()
  await expectAccessible(patient.page, 'void ticket')
  await patient.button(patient.say('ended.no_show.again')).click()
  await patient.expectWaitingOrCheck()
})
