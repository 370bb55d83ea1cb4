import { expect, test, usePage } from './support/test'
import { DESK } from './support/browser'
import { sqlite } from './support/later'
import { expectAccessible, picture } from './support/look'
import { invent } from './support/people'
import { Voice } from './support/scene'
import type { Server } from './support/server'
import { signIn } from './support/staff'

/** As if nobody had touched anything for half an hour; the page itself has gone on all the while. */
function rested(server: Server): void {
  sqlite(server, `update session set acted_at = acted_at - 1860000 where subject_kind = 'staff'`)
}

test('a doctor who rested is asked who it is over the desk, and the call, the words and the command go on', async ({ server, desk }) => {
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  const password = page.locator('#prove-password')
  const prove = async (text: string): Promise<void> => {
    await password.fill(text)
    await at('prove-yes').click()
  }
  await desk.openDesk()
  const voice = await Voice.arrives(server, 'comes after the rest')
  rested(server)
  await at('call-next').click()
  await expect(password).toBeFocused()
  await expectAccessible(page, 'is it still you?')
  await prove('not the password')
  await expect(at('prove').locator('.notice')).toBeVisible()
  await picture(page, 'prove')
  await prove(server.account('doctor').password)
  await desk.expectRinging()
  await expect(at('prove')).toBeHidden()

  await voice.accept()
  await desk.confirm()
  await desk.write({ complaint: '发热两天', diagnosis: '感冒', advice: '多饮水' })
  await desk.chooseOutcome('home_care')
  rested(server)
  await at('sign').click()
  await at('sign-yes').click()
  await expect(password).toBeFocused()
  await expect(page.locator('[role="dialog"]').last().getByTestId('prove'), 'the question lies over the dialog that it came from').toBeVisible()
  await expect(at('call-stage'), 'the call is where it was').toBeVisible()
  await picture(page, 'prove-sign')
  await page.keyboard.press('Escape')
  await expect(at('prove')).toBeHidden()
  await expect(page.getByText(desk.say('errors.auth.proof_needed')).first(), 'nothing was signed, and it is said').toBeVisible()
  if (!(await at('sign-yes').isVisible())) await at('sign').click()
  await at('sign-yes').click()
  await prove(server.account('doctor').password)
  await expect(at('signed')).toBeVisible()
  await expect(at('call-stage')).toBeVisible()
  await desk.expectWritten('感冒')
})

test('a pharmacist who rested is asked likewise before a sheet is approved and before it is handed out', async ({ server, patient, desk, desktops }, info) => {
  test.setTimeout(120_000)
  const at = (id: string) => desk.page.getByTestId(id)
  await patient.appear(server, invent('judged'))
  await desk.see(patient)
  await desk.write({ complaint: '咳嗽两天', diagnosis: '咳嗽', advice: '多饮水' })
  await desk.openPrescriptions()
  await at('rx-new-herbal').click()
  await at('rx-add').click()
  await at('rx-herb').fill('茯苓')
  await desk.page.keyboard.press('Escape')
  await at('rx-grams').fill('10')
  await expect(at('rx-save')).toHaveAttribute('data-state', 'saved')
  await at('rx-sign').click()
  await expect(at('rx-state')).toHaveText(desk.say('rx.state.signed'))

  await usePage(desktops, server.baseURL, DESK, info, 'pharmacist', async (desktop) => {
    const by = (id: string) => desktop.getByTestId(id)
    const password = desktop.locator('#prove-password')
    await signIn(desktop, server.account('pharmacist'))
    await by('pharmacy-claim').click()
    await by('review-all').click()
    rested(server)
    await by('review-approve').click()
    await expect(password).toBeFocused()
    await expectAccessible(desktop, 'pharmacy, is it still you?')
    await picture(desktop, 'pharmacy-prove')
    await desktop.keyboard.press('Escape')
    await expect(desktop.getByText(desk.say('errors.auth.proof_needed')).first(), 'nothing was approved, and it is said').toBeVisible()
    await by('review-approve').click()
    await password.fill(server.account('pharmacist').password)
    await by('prove-yes').click()
    await expect(by('pharmacy-said')).toHaveText(desk.say('pharmacy.done.approved'))
    await by('pharmacy-claim').click()
    rested(server)
    await by('review-dispense').click()
    await password.fill(server.account('pharmacist').password)
    await by('prove-yes').click()
    await expect(by('pharmacy-said')).toHaveText(desk.say('pharmacy.done.dispensed'))
  })
})
