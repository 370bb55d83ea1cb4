import { expect, test } from './support/test'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import type { Patient } from './support/patient'
import { invent, type Person } from './support/people'

const child = (word: string): Person => invent(word, '演示患者乙', `${new Date().getFullYear() - 8}0308`)

async function consentAsGuardian(patient: Patient): Promise<void> {
  const { page, say } = patient
  const next = (): Promise<void> => patient.button(say('common.next')).click()
  const guardian = page.getByTestId('guardian')
  await expect(guardian).toBeVisible()
  await next()
  for (const fault of ['name', 'relation', 'agrees'] as const) await expect(guardian).toContainText(say(`guardian.fault.${fault}`))
  await expectAccessible(page, 'patient, a guardian is asked')
  await expectNoSidewaysScroll(page, 'patient, a guardian is asked')
  await picture(page, 'patient-guardian')
  await page.getByLabel(say('guardian.name')).fill('演示家长')
  await page.getByRole('radio', { name: say('relation.parent') }).check()
  await page.locator('#guardian-agrees').check()
  await next()
  await expect(guardian).toBeHidden()
}

test('a guardian consents for a child before an hour is booked', async ({ patient }) => {
  const { page, say } = patient
  const who = child('booked for a child')
  await page.goto('/v/demo-tcm-clinic/book')
  await patient.signIn(who.phone)
  await patient.identify(who)
  await consentAsGuardian(patient)
  const times = page.locator('.time:enabled')
  await times.first().click()
  await patient.button(say('booking.confirm')).click()
  await expect(patient.heading(say('booking.done'))).toBeVisible()
})

test('a guardian consents for a child before any other consent', async ({ patient }) => {
  const who = child('walks in with a child')
  await patient.open()
  await patient.start()
  await patient.denyRedFlags()
  await patient.signIn(who.phone)
  await patient.identify(who)
  await consentAsGuardian(patient)
  await patient.consent()
})
