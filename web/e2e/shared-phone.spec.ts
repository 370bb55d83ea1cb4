import { expect, test } from './support/test'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { FEVER, invent } from './support/people'

test('Back goes one page back where there is one, and throws nobody out of the clinic', async ({ server, patient, another, desk }) => {
  const { page } = patient
  await patient.open()
  await patient.start()
  await page.goBack()
  await expect(patient.button(patient.say('landing.start'))).toBeVisible()

  await patient.start()
  await patient.denyRedFlags()
  await patient.signIn(invent('presses Back').phone)
  await patient.identify(invent('presses Back'))
  await patient.consent()
  await expect(page.locator('.where')).toContainText('1')
  await patient.fillPage(FEVER)
  await patient.button(patient.say('common.next')).click()
  await expect(page.locator('.where')).toContainText('第 2')
  await page.goBack()
  await expect(page.locator('.where')).toContainText('第 1')
  await page.goBack()
  await expect(page.locator('.where')).toContainText('第 1')

  await another.appear(server, invent('presses Back while it rings'))
  await another.page.goBack()
  await another.expectWaiting()
  await desk.openDesk()
  await desk.callNext()
  await another.expectCalled()
  await another.page.goBack()
  await another.expectCalled()
})

test('a phone that two share shows for whom is asked, and asks anew who it is', async ({ patient }) => {
  const { page } = patient
  const mother = invent('the mother', '演示患者乙')
  await patient.open()
  await patient.start()
  await patient.denyRedFlags()
  await patient.signIn(mother.phone)
  await patient.identify(mother)
  const who = page.getByTestId('who')
  await expect(who).toContainText(/^为 演\*{4}（\d+ 岁）填写/)
  await patient.consent()
  await expect(who).toBeVisible()
  await expectAccessible(page, 'for whom')
  await expectNoSidewaysScroll(page, 'for whom')
  await picture(page, 'patient-for-whom')
  await who.getByRole('button').click()
  await expect(patient.heading(patient.say('who.title'))).toBeVisible()
  await page.reload()
  await patient.resumeIfAsked()
  await expect(patient.heading(patient.say('who.title'))).toBeVisible()
})
