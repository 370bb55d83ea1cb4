import { expect, test } from './support/test'
import { expectAccessible, expectBarFits, expectNoSidewaysScroll, picture } from './support/look'
import { Voice, young } from './support/scene'
import { signIn } from './support/staff'
import { wordsOf } from './support/words'

test('a whole day of a desk fits on one screen, in every dialog and every state, and survives reloads', async ({ server, desk }) => {
  test.setTimeout(180_000)
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  const closeDialog = () => page.keyboard.press('Escape')
  const look = async (name: string) => {
    await expectAccessible(page, name)
    await expectNoSidewaysScroll(page, name)
  }
  /** Nothing that can be pressed lies outside of 1366×768. */
  const fits = async (name: string) => {
    const outside = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('button[data-testid]')]
        .filter((one) => one.offsetParent !== null)
        .filter((one) => {
          const box = one.getBoundingClientRect()
          return box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight
        })
        .map((one) => one.dataset['testid']),
    )
    expect.soft(outside, `outside of the screen: ${name}`).toEqual([])
    await desk.expectOneScreen()
  }

  await expect(at('desk-chooser')).toBeVisible()
  await look('desk, choosing')
  const standard = await Voice.arrives(server, 'came first')
  const urgent = await Voice.arrives(server, 'is more urgent', { 'sx.temp': 39.6 })
  await desk.openDesk()
  // The more urgent one stands before who came first; each with the minutes waited.
  await expect(at('queue-row')).toHaveCount(2)
  await expect(at('queue-row').first()).toContainText(String(urgent.no))
  await expect(at('queue-row').last()).toContainText(String(standard.no))
  await expect(at('queue-row').first().locator('.wait')).toContainText(/\d/)

  await at('desk-pause').click()
  await look('desk, pausing')
  await page.getByRole('button', { name: desk.say('desk.pause.minutes', { n: 5 }) }).click()
  await expect(at('desk-phase')).toHaveAttribute('data-phase', 'paused')
  await page.reload()
  await expect(at('desk-phase')).toHaveAttribute('data-phase', 'paused')
  await expect(at('call-next')).toHaveAttribute('aria-disabled', 'true')
  await look('desk, paused')
  await at('desk-resume').click()
  await desk.expectOpen()

  await desk.callNext()
  await expect(at('ring-left')).toHaveText(/1:[0-2]\d/)
  await expect(at('ring')).toContainText(desk.say('ring.count', { n: 1 }))
  await at('recall').click()
  await expect(at('ring')).toContainText(desk.say('ring.count', { n: 2 }))
  await urgent.accept()
  await expect(at('identity-name')).toBeVisible()
  await at('identity-wrong').click()
  await look('desk, not this person?')
  await closeDialog()
  await desk.confirm()
  await expect(at('call-stage')).toBeVisible()

  for (const tab of ['declared', 'history', 'exam', 'diagnosis', 'outcome'] as const) {
    await at(`tab-${tab}`).click()
    await fits(tab)
    await look(`desk, ${tab}`)
    await picture(page, `desk-tab-${tab}`)
  }
  // What happens next is one press, from whatever tab.
  await at('tab-history').click()
  await at('outcome-home_care').click()
  await expect(at('outcome-home_care')).toHaveAttribute('aria-pressed', 'true')
  await at('fill').click()
  await expect(at('note-history')).toHaveValue(/\S/)
  await at('tab-exam').click()
  await at('vital-temperature').fill('38.2')
  await desk.expectSaved()
  await page.reload()
  await at('tab-exam').click()
  await expect(at('vital-temperature')).toHaveValue('38.2')

  await page.keyboard.press('Alt+KeyH')
  await look('desk, the keys')
  await closeDialog()
  await at('tab-outcome').click()
  await at('transfer-open').click()
  await look('desk, transferring')
  await picture(page, 'desk-transfer')
  await closeDialog()
  await at('sign').click()
  await look('desk, signing without a diagnosis')
  await closeDialog()
  await at('desk-close').click()
  await look('desk, closing')
  await at('desk-close-yes').click()
  await expect(at('desk-phase')).toHaveAttribute('data-phase', 'closing')
  await at('desk-resume').click()
  await desk.expectOpen()
  await at('end').click()
  await look('desk, ending')
  await at('end-yes').click()
  await expect(at('record')).toBeHidden()

  // Unsigned: it is in the list, over a reload, until it is written and signed.
  await page.reload()
  await expect(at('unfinished')).toBeVisible()
  await expectBarFits(page, 'desk', false)
  await at('unfinished').click()
  await expect(at('unfinished-row')).toContainText(String(urgent.no))
  await look('desk, unfinished notes')
  await page.getByRole('button', { name: desk.say('unfinished.write'), exact: true }).click()
  await desk.write({ complaint: '发热', diagnosis: '上呼吸道感染', advice: '多饮水' })
  await at('sign').click()
  await look('desk, signing')
  await at('sign-yes').click()
  await expect(at('unfinished')).toBeHidden()
})

test('a transferred patient keeps the place, and comes with a word and the note of the first clinic', async ({ server, desk, desktops, patient }) => {
  const { page } = desk
  await patient.appear(server, young('is sent on'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await page.getByTestId('tab-history').click()
  await page.getByTestId('note-complaint').fill('反复低热')
  await desk.expectSaved()
  await page.getByTestId('tab-outcome').click()
  await page.getByTestId('transfer-open').click()
  await page.locator('input[name="transfer-clinic"]').first().check()
  await page.locator('#transfer-reason').fill('请中医科看脉象')
  await page.getByTestId('transfer-yes').click()
  await expect(page.getByTestId('record')).toBeHidden()

  const sentOn = patient.heading(patient.say('ended.transferred.title'))
  await expect(sentOn).toBeVisible()
  await expectAccessible(patient.page, 'patient, sent on')
  await picture(patient.page, 'patient-transferred')
  await patient.button(patient.say('ended.transferred.go')).click()
  await patient.expectWaiting()
  await patient.page.reload()
  await patient.expectWaiting()
  await expect(patient.page.getByText('中医内科门诊')).toBeVisible()

  const other = await (await desktops.newContext({ baseURL: server.baseURL, locale: 'zh-CN', viewport: { width: 1366, height: 768 } })).newPage()
  await signIn(other, server.account('doctor', 1))
  await other.getByTestId('choose-desk').last().click()
  await other.getByTestId('call-next').click()
  await patient.expectCalled()
  await expect(other.getByTestId('handover-reason')).toHaveText('请中医科看脉象')
  await other.getByTestId('handover-read').click()
  await expect(other.getByTestId('handover-note')).toContainText('反复低热')
  await expectAccessible(other, 'desk, a patient who was sent on')
  await picture(other, 'desk-handover')
  await other.context().close()
})

test('the sign-in says what went wrong, and each role is led to its own screen', async ({ server, desktops }) => {
  const page = await (await desktops.newContext({ baseURL: server.baseURL, locale: 'zh-CN', viewport: { width: 1366, height: 768 } })).newPage()
  await signIn(page, { username: 'doctor', password: 'wrong' })
  await expect(page.getByRole('status').first()).toBeVisible()
  await expectAccessible(page, 'sign-in, refused')
  for (const [role, home] of [['pharmacist', '/pharmacy'], ['administrator', '/admin']] as const) {
    await signIn(page, server.account(role))
    await expect(page).toHaveURL(new RegExp(`${home}$`))
    await expectAccessible(page, `sign-in, ${role}`)
    await page.reload()
    await expect(page).toHaveURL(new RegExp(`${home}$`))
    await page.getByRole('button', { name: wordsOf('zh')('common.sign_out') }).click()
    await expect(page).toHaveURL(/\/login/)
  }
  await page.context().close()
})
