import { expect, test } from './support/test'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'

test('a patient who drops out of the visit is timed over a reload, rung for, found by telephone, and back', async ({ server, patient, desk }) => {
  const at = (id: string) => desk.page.getByTestId(id)
  const person = invent('drops out')
  await patient.appear(server, person)
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.expectIdentity(person)

  // Between the answer and the confirmation, too.
  await patient.page.goto('about:blank')
  await expect(at('dropped')).toBeVisible({ timeout: 15_000 })
  await expect(at('dropped-recall')).toBeVisible()
  await expectAccessible(desk.page, 'desk, dropped before the confirmation')
  await picture(desk.page, 'desk-dropped-identity')
  await patient.page.goBack()
  await patient.expectBeingIdentified()
  await expect(at('dropped')).toBeHidden()
  await desk.confirm()
  await patient.enterCallIfAsked()

  await patient.page.goto('about:blank')
  await expect(at('dropped')).toBeVisible({ timeout: 15_000 })
  const seconds = async () => {
    const [minutes = 0, rest = 0] = (/(\d+):(\d\d)/.exec((await at('dropped-time').textContent()) ?? '') ?? []).slice(1).map(Number)
    return minutes * 60 + rest
  }
  // A count that began anew with the reload would show less than this.
  await expect.poll(seconds).toBeGreaterThan(8)
  const before = await seconds()
  await desk.page.reload()
  await expect(at('dropped')).toBeVisible()
  expect(await seconds(), 'a reload begins no new count').toBeGreaterThanOrEqual(before)

  await at('dropped-phone').click()
  await expect(at('dropped-number')).toHaveAttribute('href', `tel:+86${person.phone}`)
  await at('dropped-ring').click()
  await expect(at('dropped-quiet')).toBeVisible()
  await expectAccessible(desk.page, 'desk, dropped in the visit')
  await expectNoSidewaysScroll(desk.page, 'desk, dropped in the visit')
  await desk.expectOneScreen()
  await picture(desk.page, 'desk-dropped')
  await patient.page.goBack()
  await expect(patient.page.getByText(patient.say('call.recalled'))).toBeVisible()
  await expectAccessible(patient.page, 'rung for by the doctor')
  await picture(patient.page, 'patient-recalled')
  await expect(at('dropped')).toBeHidden()
  await patient.returnToCall()

  await patient.page.goto('about:blank')
  await expect(at('dropped')).toBeVisible({ timeout: 15_000 })
  await at('dropped-put-back').click()
  await expectAccessible(desk.page, 'desk, putting a dropped patient back')
  await at('dropped-put-back-yes').click()
  await expect(at('call-stage')).toBeHidden()
  await patient.page.goBack()
  await patient.expectWaiting()
})
