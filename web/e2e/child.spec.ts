import { expect, test } from './support/test'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Patient } from './support/patient'
import { invent } from './support/people'

test('a guardian consents for a child before a booking and before any other consent', async ({ server, patient }) => {
  test.setTimeout(120_000)
  const { page, say } = patient
  const at = (label: string) => page.getByLabel(label)
  const guardian = page.getByTestId('guardian')
  const child = invent('a child', '演示患者乙', `${new Date().getFullYear() - 8}0308`)
  await page.goto('/v/demo-tcm-clinic/book')
  await patient.signIn(child.phone)
  await patient.identify(child)
  await expect(guardian).toBeVisible()
  await patient.button(say('common.next')).click()
  for (const fault of ['name', 'relation', 'agrees'] as const) await expect(guardian).toContainText(say(`guardian.fault.${fault}`))
  await expectAccessible(page, 'patient, a guardian is asked')
  await expectNoSidewaysScroll(page, 'patient, a guardian is asked')
  await picture(page, 'patient-guardian')

  // In the clinic that needs no booking the same is asked, and once it is given nowhere again.
  const walk = new Patient(page, say, server.link)
  await walk.open()
  await walk.start()
  await walk.denyRedFlags()
  if (!(await guardian.isVisible())) await page.locator('.person').first().click()
  await expect(guardian).toBeVisible()
  await at(say('guardian.name')).fill('演示家长')
  await page.getByRole('radio', { name: say('relation.parent') }).check()
  await page.locator('#guardian-agrees').check()
  await patient.button(say('common.next')).click()
  await expect(patient.heading(say('consent.title'))).toBeVisible()
  await page.goto('/v/demo-tcm-clinic/book')
  const times = page.locator('.time:enabled')
  const known = page.locator('.person').first()
  await expect(times.first().or(known)).toBeVisible()
  if (await known.isVisible()) await known.click()
  await expect(times.first()).toBeVisible()
  await expect(guardian).toBeHidden()
})
