import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'
import { expect, test } from './support/test'

test('what is wrong is said where it is wrong, from the link to the consents', async ({ patient }) => {
  const { page, say } = patient
  const look = async (name: string) => {
    await expectAccessible(page, name)
    await expectNoSidewaysScroll(page, name)
  }
  await page.goto('/v/nowhere')
  await expect(patient.heading(say('landing.unknown.title'))).toBeVisible()
  await expect(page.getByRole('link', { name: say('emergency.call') })).toHaveAttribute('href', 'tel:120')
  await look('an unknown link')
  await picture(page, 'patient-unknown-link')

  await patient.open()
  await expect(page.getByText('演示省中医院').first()).toBeVisible()
  await expect(patient.heading('发热咨询门诊')).toBeVisible()
  await expect(page.locator('.links a[href^="tel:"]')).toBeVisible()
  await patient.start()
  await patient.denyRedFlags()

  const person = invent('mistypes')
  await page.getByLabel(say('phone.label')).fill('1234')
  await patient.button(say('phone.send')).click()
  await expect(page.locator('#phone')).toHaveAttribute('aria-invalid', 'true')
  await expect(page.locator('#phone-error')).toHaveText(say('phone.wrong'))
  await look('a wrong telephone number')
  await page.getByLabel(say('phone.label')).fill(person.phone)
  await patient.button(say('phone.send')).click()
  await expect(page.locator('.demo').filter({ hasText: say('code.demo') })).toBeVisible()
  await look('the code of a demonstration')
  await patient.button(say('code.fill')).click()
  await patient.button(say('code.verify')).click()

  await expect(patient.heading(say('who.title'))).toBeVisible()
  const last = person.card.at(-1)
  const wrong = `${person.card.slice(0, -1)}${last === '1' ? '2' : '1'}`
  await page.getByLabel(say('who.name')).fill(person.name)
  await page.getByLabel(say('who.number')).fill(wrong)
  await patient.button(say('common.next')).click()
  await expect(page.locator('#number')).toHaveAttribute('aria-invalid', 'true')
  await expect(page.locator('#number-error')).toHaveText(say('who.fault.number.checksum'))
  await look('a wrong digit')
  await page.getByLabel(say('who.number')).fill(person.card)
  await patient.button(say('common.next')).click()

  await expect(patient.heading(say('consent.title'))).toBeVisible()
  await patient.button(say('consent.refuse')).first().click()
  await expect(page.getByText(say('consent.refused.required'))).toBeVisible()
  await expect(patient.button(say('common.next'))).toBeDisabled()
  await look('treatment refused')
  for (let left = 3; left > 0; left -= 1) {
    await patient.button(say('consent.agree')).first().click()
    await expect(patient.button(say('consent.agree'))).toHaveCount(left - 1)
  }
  await patient.button(say('common.next')).click()
  await expect(page.locator('#page-title')).toBeVisible()
})
