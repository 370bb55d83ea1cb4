import { expect, test } from './support/test'
import { expectCall } from './support/call'
import { FEVER, invent } from './support/people'

test('a phone that reloads in the middle of the way goes on where it was', async ({ patient }) => {
  const person = invent('reloads on the way')
  const reload = () => patient.page.reload()

  await patient.open()
  await patient.start()
  await patient.denyRedFlags()
  await patient.signIn(person.phone)
  await expect(patient.heading(patient.say('who.title'))).toBeVisible()
  await reload()
  // Red flags were denied a moment ago and the telephone is known: neither is asked again.
  await patient.resumeIfAsked()
  await patient.identify(person)
  await patient.consent()
  await expect(patient.page.locator('#page-title')).toBeVisible()
  await patient.fillPage(FEVER)
  await expect(patient.page.getByText(/已保存/)).toBeVisible()
  await reload()
  await patient.resumeIfAsked()
  // The first page was answered and saved, so the form opens at the next one.
  await expect(patient.page.locator('.where')).toContainText('第 2')
  await patient.declare()
  await patient.readResult()
  await patient.passCheck()
  await patient.takeNumber()
  const number = await patient.number()
  await reload()
  await patient.expectWaiting()
  expect(await patient.number()).toBe(number)
})

test('both sides may reload while it rings, while the identity is checked, and in the call', async ({ server, patient, desk }) => {
  const person = invent('reloads in the call')
  await patient.appear(server, person)
  await desk.openDesk()
  await desk.page.reload()
  await desk.expectOpen()

  await desk.callNext()
  await patient.expectCalled()
  await patient.page.reload()
  await patient.expectCalled()
  await desk.page.reload()
  await desk.expectRinging()

  await patient.accept()
  await patient.expectBeingIdentified()
  await patient.page.reload()
  await patient.expectBeingIdentified()
  await desk.page.reload()
  await desk.expectIdentity(person)
  await desk.confirm()
  await patient.enterCallIfAsked()
  await expectCall(patient.page, desk.page)

  await patient.page.reload()
  await patient.returnToCall()
  await expectCall(patient.page, desk.page)

  await desk.write({ complaint: '发热', diagnosis: '感冒', advice: '多休息' })
  await desk.expectSaved()
  await desk.page.reload()
  await desk.enterCallIfAsked()
  await expectCall(patient.page, desk.page)
  await desk.expectWritten('感冒')

  await desk.chooseOutcome('home_care')
  await desk.sign()
  await desk.end()
  await patient.expectAfter()
  await patient.page.reload()
  await patient.expectAfter()
})
