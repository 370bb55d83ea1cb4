import { expect, test, usePage } from './support/test'
import { DESK } from './support/browser'
import { Desk } from './support/desk'
import { expectAccessible, expectBarFits, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'
import { wordsOf } from './support/words'

const WHY = '附子反半夏，本例无依据'

test('a second doctor sees for whom an opposing pair is, declines it with a reason, and signs the corrected one', async ({ server, patient, desk, desktops }, info) => {
  test.setTimeout(240_000)
  const say = wordsOf('zh')
  const person = invent('signed by two')
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  await patient.appear(server, person)
  await desk.see(patient)
  await desk.write({ complaint: '畏寒肢冷，咳嗽痰多', diagnosis: '寒饮伏肺证', advice: '避风寒' })
  await desk.openPrescriptions()
  await at('rx-new-herbal').click()
  for (const herb of ['法半夏', '附子']) {
    await at('rx-add').click()
    await at('rx-herb').last().fill(herb)
    await page.keyboard.press('Escape')
    await at('rx-grams').last().fill('9')
    await expect(at('rx-save')).toHaveAttribute('data-state', 'saved')
  }
  await expect(page.locator('[data-rule="18F-1"]').first()).toBeVisible()
  const sign = async () => {
    for (const reason of await at('rx-reason').all()) await reason.fill('温肺化饮，古方有据')
    await at('rx-sign').click()
    if (await at('rx-again-yes').isVisible()) await at('rx-again-yes').click()
    await expect(at('rx-state')).toHaveText(say('rx.state.signed'))
  }
  await sign()

  await usePage(desktops, server.baseURL, DESK, info, 'second', async (other) => {
    const by = (id: string) => other.getByTestId(id)
    const second = new Desk(other, say)
    await second.signIn(server.account('doctor', 1))
    // The first desk is the colleague's.
    await by('choose-desk').last().click()
    await second.expectOpen()
    await test.step('the other reads whose it is, and what for', async () => {
      await expect(by('countersign')).toBeVisible()
      await expectBarFits(other, 'desk, one to countersign', false)
      await expect(other.locator('body')).not.toContainText(person.name)
      await by('countersign').click()
      await expect(by('for-whom')).toContainText(person.name)
      await expect(by('countersign-one')).toContainText('寒饮伏肺证')
      await expect(by('countersign-one').locator('[data-rule="18F-1"]').first()).toBeVisible()
      await expect(by('countersign-no')).toHaveAttribute('aria-disabled', 'true')
      await expectAccessible(other, 'desk, countersigning')
      await expectNoSidewaysScroll(other, 'desk, countersigning')
      await picture(other, 'desk-countersign')
    })
    await test.step('declines, and the author reads who did and why', async () => {
      await by('countersign-one').locator('input').last().fill(WHY)
      await by('countersign-no').click()
      await expect(by('countersign-one')).toHaveCount(0)
      await expect(at('rx-returned')).toContainText(WHY)
      await expect(at('rx-returned')).toContainText('未会签')
      await picture(page, 'desk-rx-declined')
      await expectAccessible(page, 'desk, a declined sheet')
    })
    await test.step('the corrected one is signed by two', async () => {
      await at('rx-change').click()
      await at('rx-grams').last().fill('6')
      await expect(at('rx-state')).toHaveText(say('rx.state.draft'))
      await sign()
      await expect(by('for-whom')).toContainText(person.name)
      await by('countersign-one').locator('input').last().fill('减量后同意')
      await by('countersign-yes').click()
      await expect(by('countersign-one')).toHaveCount(0)
      await expect(page.getByText(/已会签/)).toBeVisible()
    })
  })
})
