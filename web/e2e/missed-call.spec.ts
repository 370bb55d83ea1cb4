import { expect, test } from './support/test'
import { expectAccessible, picture } from './support/look'
import { invent } from './support/people'

test('a call that nobody answers moves the ticket back and says so', async ({ server, patient, another, desk }) => {
  // The full ninety seconds, once: nobody presses anything.
  test.setTimeout(240_000)
  await patient.appear(server, invent('asleep'))
  await another.appear(server, invent('awake'))
  await desk.openDesk()
  await desk.callNext()
  await patient.expectCalled()
  await expect(patient.heading(patient.say('called.calling'))).toBeHidden({ timeout: 110_000 })
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
