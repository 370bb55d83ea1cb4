import { expect, test } from './support/test'
import { expectAccessible, picture } from './support/look'
import { invent } from './support/people'
import { wordsOf } from './support/words'

test('what is never online offers the way to a hospital with its reason on the slip, and a longer validity wants one', async ({ server, patient, desk }) => {
  test.setTimeout(120_000)
  const say = wordsOf('zh')
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  await patient.appear(server, invent('never online'))
  await desk.see(patient)
  await desk.write({ complaint: '关节疼痛', diagnosis: '', advice: '保暖' })
  await desk.openPrescriptions()
  await at('rx-new-herbal').click()
  await at('rx-add').click()
  await page.locator('.fresh').getByTestId('rx-herb').fill('生马钱子')
  // The list of names would lie over what the gate says.
  await page.keyboard.press('Escape')
  await at('rx-grams').fill('9')
  const never = page.locator('[data-rule="TOX-STATUTORY"]')
  await expect(never).toContainText('不得网上开具')
  await never.getByTestId('rx-refer').click()
  await expect(page.locator('#refer-reason')).not.toHaveValue('')
  await expectAccessible(page, 'desk, why to a hospital')
  await picture(page, 'desk-refer')
  await page.locator('#refer-reason').fill('需毒性药品，请到院面诊')
  await at('refer-yes').click()
  await expect(at('outcome-go_to_hospital')).toHaveAttribute('aria-pressed', 'true')
  // The reason is there again when it is looked at again.
  await at('outcome-go_to_hospital').click()
  await expect(page.locator('#refer-reason')).toHaveValue('需毒性药品，请到院面诊')
  await page.keyboard.press('Escape')

  await at('rx-line').first().getByTestId('rx-herb').fill('茯苓')
  await page.keyboard.press('Escape')
  await expect(never).toBeHidden()
  // A prescription is for something: the desk says so before anybody presses, and leads to the field.
  await expect(at('rx-undiagnosed')).toHaveText(say('rx.sign.undiagnosed'))
  await expect(at('rx-sign')).toHaveAttribute('aria-disabled', 'true')
  await expectAccessible(page, 'desk, a prescription for nothing yet')
  await picture(page, 'desk-rx-undiagnosed')
  await at('rx-diagnose').click()
  await expect(at('dx-disease')).toBeFocused()
  await at('note-diagnosis').fill('痹病')
  await at('tab-rx').click()
  await expect(at('rx-undiagnosed')).toBeHidden()
  await at('rx-valid-2').click()
  await expect(at('rx-sign')).toHaveAttribute('aria-disabled', 'true')
  await page.locator('#rx-valid-reason').fill('山区取药不便')
  await expectAccessible(page, 'desk, a longer validity')
  await picture(page, 'desk-rx-validity')
  await at('rx-sign').click()
  await expect(at('rx-state')).toHaveText(say('rx.state.signed'))
  await expect(at('rx')).toContainText('有效2天：山区取药不便')
})
