import { expect, test, usePage } from './support/test'
import { DESK } from './support/browser'
import { sqlite } from './support/later'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Voice, young } from './support/scene'
import { signIn } from './support/staff'

const RECEIPT = '3201-2020-00042'

test('a doctor ends a suspected visit, sees the two hours, hears that they are over, and writes down the receipt', async ({ server, desk, desktops }, info) => {
  test.setTimeout(180_000)
  const who = young('a suspicion')
  const patient = await Voice.arrives(server, 'a suspicion')
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await desk.write({ complaint: '发热两天，有接触史', diagnosis: '疑似新冠肺炎', advice: '等待专车' })
  await expect(at('reports-open')).toBeHidden()
  await desk.chooseOutcome('closed_loop_transport')
  await expect(at('reports-open')).toHaveText(desk.say('report.open', { n: 1 }))
  await desk.sign()
  await desk.end()

  await test.step('the time that is left is on the screen', async () => {
    await at('reports-open').click()
    await expect(at('report-row')).toHaveCount(1)
    await expect(at('report-left')).toHaveText(/^还剩 1 小时 5\d 分$/)
    await expect(at('reports')).not.toContainText(who.name)
    await expectAccessible(page, 'desk, reports')
    await expectNoSidewaysScroll(page, 'desk, reports')
    await picture(page, 'report-1-list')
    await page.keyboard.press('Escape')
    await expect(at('report-banner')).toBeHidden()
  })

  await test.step('two hours later everybody hears of it', async () => {
    // As if the time had passed: what was suspected is a fact, and the database lets nobody change it.
    sqlite(server, `begin immediate;
      drop trigger case_report_never_changes;
      update case_report set suspected_at = suspected_at - 7260000, due_at = due_at - 7260000, rings_at = rings_at - 7260000;
      commit;`)
    await expect(at('report-banner')).toBeVisible()
    await expect(at('report-banner')).toContainText('已超时 0 小时')
    await desk.expectOneScreen()
    await expectAccessible(page, 'desk, an overdue report')
    await picture(page, 'report-2-overdue')
    await usePage(desktops, server.baseURL, DESK, info, 'nurse', async (nurse) => {
      await signIn(nurse, server.account('nurse'))
      await expect(nurse.getByTestId('report-banner')).toBeVisible()
      await expect(nurse.getByTestId('reports-open')).toBeVisible()
      await expectAccessible(nurse, 'nurse, an overdue report')
      await picture(nurse, 'report-3-nurse')
    })
    await usePage(desktops, server.baseURL, DESK, info, 'administrator', async (admin) => {
      await signIn(admin, server.account('administrator'))
      await admin.getByTestId('report-banner-open').click()
      await expect(admin.getByTestId('report-row')).toHaveAttribute('data-late', 'true')
      await expect(admin.getByTestId('report-open')).toBeHidden()
      await expectAccessible(admin, 'administrator, reports and safety')
      await picture(admin, 'report-4-admin')
    })
  })

  await test.step('the card is copied, and its number ends it', async () => {
    await at('report-banner-open').click()
    await at('report-open').click()
    const card = at('report-card')
    for (const known of [who.name, who.card, '发热两天，有接触史', '疑似新冠肺炎', '疑似病例']) await expect(card).toContainText(known)
    await expect(at('report-yes')).toHaveAttribute('aria-disabled', 'true')
    await page.locator('#report-receipt').fill('已经报告了')
    await at('report-yes').click()
    await expect(page.locator('#report-receipt')).toHaveAttribute('aria-invalid', 'true')
    await page.locator('#report-receipt').fill(RECEIPT)
    await expectAccessible(page, 'desk, the report card')
    await expectNoSidewaysScroll(page, 'desk, the report card')
    await picture(page, 'report-5-card')
    await at('report-yes').click()
    await expect(at('reports-none')).toBeVisible()
    await at('reports-closed').locator('summary').click()
    await expect(at('report-closed-row')).toContainText(RECEIPT)
    await picture(page, 'report-6-done')
    await page.keyboard.press('Escape')
    await expect(at('report-banner')).toBeHidden()
    await expect(at('reports-open')).toBeHidden()
  })
})

test('a doctor tells a serious adverse event, and an administrator is alarmed until somebody has read it', async ({ server, desk, desktops }, info) => {
  test.setTimeout(120_000)
  const patient = await Voice.arrives(server, 'an adverse event')
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await at('desk-more').click()
  await at('adverse-menu').click()
  await expect(at('adverse-yes')).toHaveAttribute('aria-disabled', 'true')
  await at('adverse-serious').check()
  await page.locator('#adverse-words').fill('服药后全身皮疹，面部肿胀')
  await page.locator('#adverse-measures').fill('嘱立即停药，已呼叫 120')
  await expectAccessible(page, 'desk, an adverse event')
  await picture(page, 'adverse-1-tell')
  await at('adverse-yes').click()
  await expect(at('adverse-yes')).toBeHidden()
  await usePage(desktops, server.baseURL, DESK, info, 'administrator', async (admin) => {
    const by = (id: string) => admin.getByTestId(id)
    await signIn(admin, server.account('administrator'))
    await by('adverse-alarm-open').click()
    const row = by('adverse-row').and(admin.locator('[data-seen="false"]'))
    await expect(row).toHaveCount(1)
    await expect(row).not.toContainText('皮疹')
    await row.getByTestId('adverse-read').click()
    await expect(by('adverse-words-read')).toContainText('面部肿胀')
    await expect(by('adverse-alarm')).toBeHidden()
    await expectAccessible(admin, 'administrator, an adverse event')
    await picture(admin, 'adverse-2-read')
  })
  await desk.chooseOutcome('home_care')
  await desk.end()
})
