import { expect, test } from './support/test'
import { expectCall } from './support/call'
import { expectAccessible, picture } from './support/look'
import { invent } from './support/people'

test('the wrong person at the phone gives the place back, and the right one is called again', async ({ server, patient, desk }) => {
  const person = invent('the right one')
  await patient.appear(server, person)
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.expectIdentity(person)
  await desk.refuseIdentity()
  await patient.expectWaiting()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
})

test('who picked up for somebody else says so before accepting', async ({ server, patient, desk }) => {
  await patient.appear(server, invent('picked up by a neighbour'))
  await desk.openDesk()
  await desk.callNext()
  await patient.expectCalled()
  await patient.sayNotMe(() => expectAccessible(patient.page, 'not me, the question'))
  await patient.expectWaiting()
})

test('a number that somebody else answers again and again is void and says so', async ({ server, patient, desk }) => {
  await patient.appear(server, invent('never the right one'))
  await desk.openDesk()
  for (let call = 0; call < 3; call++) {
    await desk.callNext()
    await patient.expectCalled()
    await patient.sayNotMe(() => Promise.resolve())
  }
  await expect(patient.heading(patient.say('ended.wrong_person.title'))).toBeVisible()
  await expectAccessible(patient.page, 'void, answered by somebody else')
  await picture(patient.page, 'patient-void-wrong-person')
})

test('a wrong person found in the call loses picture and sound at once', async ({ server, patient, desk }) => {
  await patient.appear(server, invent('found out late'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
  await desk.refuseIdentity()
  await patient.expectWaiting()
})

test('a misspelt name is corrected where the document is compared, and the visit begins under the right one', async ({ server, patient, desk }) => {
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  await patient.appear(server, invent('misspelt'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await at('identity-correct').click()
  await expect(at('identity-correct-yes')).toHaveAttribute('aria-disabled', 'true')
  await page.locator('#correct-name').fill('周壹')
  await page.locator('#correct-number').fill('110101199001010099')
  await page.locator('#correct-reason').fill('与身份证不符')
  await at('identity-correct-yes').click()
  await expect(page.locator('#correct-number-error')).toBeVisible()
  await expectAccessible(page, 'desk, correcting an identity')
  await picture(page, 'desk-identity-correct')
  // The card was a passport: what a card states by itself is asked for.
  await expect(page.locator('#correct-sex')).toBeHidden()
  await page.locator('#correct-document').selectOption('passport')
  await page.locator('#correct-number').fill('E76543210')
  await page.locator('#correct-birth').fill('1990')
  await page.locator('#correct-birth-m').fill('1')
  await page.locator('#correct-birth-d').fill('2')
  await page.locator('#correct-sex-female').check()
  await expect(at('identity-correct-yes')).toBeInViewport()
  await expectAccessible(page, 'desk, correcting a document')
  await picture(page, 'desk-identity-correct-document')
  await at('identity-correct-yes').click()
  await expect(at('identity-name')).toHaveText('周壹')
  await expect(at('identity-tail')).toHaveText('3210')
  await expect(at('identity')).toContainText('1990-01-02')
  await expect(at('identity')).toContainText(desk.say('sex.brief.female'))
  await desk.confirm()
  await expectCall(patient.page, page)
  await expect(at('patient-card')).toContainText('周壹')
})
