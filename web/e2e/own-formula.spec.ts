import { expect, test } from './support/test'
import { expectAccessible, picture } from './support/look'
import { invent } from './support/people'

test('a formula is kept as one’s own, renamed, inserted by a press and judged again, and goes', async ({ server, patient, desk }) => {
  test.setTimeout(120_000)
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  await patient.appear(server, invent('own formula'))
  await desk.see(patient)
  await desk.openPrescriptions()
  await at('rx-formula').fill('qpt')
  await expect(at('rx-formula-offer')).toContainText('清肺排毒汤')
  await at('rx-formula').press('Enter')
  await expect(at('rx-line')).toHaveCount(21)
  await at('rx-line').nth(16).getByTestId('rx-grams').fill('3')
  const high = page.locator('[data-rule="DOSE-HIGH"]')
  await expect(high).toHaveCount(1)

  await at('rx-own').click()
  await page.locator('#template-name').fill('常用方')
  await at('template-keep').click()
  await expect(at('template-常用方')).toContainText('细辛 3 g')
  await expectAccessible(page, 'desk, own formulas')
  await picture(page, 'desk-own-formulas')
  await at('template-rename').click()
  await page.getByLabel('新名称').fill('我的清肺方')
  await at('template-rename-yes').click()
  await at('template-我的清肺方').click()

  // Another sheet, as it was kept: it says from what it is, and the gate has judged it like the first.
  await expect(at('rx-chip')).toHaveCount(2)
  await expect(at('rx-line')).toHaveCount(21)
  await expect(at('rx')).toContainText('套用：我的清肺方')
  await expect(high).toHaveCount(1)
  await at('rx-formula').fill('清肺')
  await expect(at('rx-formula-offer').first()).toContainText('我的清肺方')
  await expect(at('rx-formula-offer').nth(1)).toContainText('清肺排毒汤')
  await picture(page, 'desk-own-formula-offered')
  await at('rx-formula').fill('')

  await at('rx-own').click()
  await at('template-retire').click()
  await at('template-retire-yes').click()
  await expect(at('template-我的清肺方')).toBeHidden()
})
