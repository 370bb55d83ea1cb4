import { expect, test, usePage } from './support/test'
import { Api } from './support/api'
import { DESK } from './support/browser'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Voice, young } from './support/scene'
import { signIn } from './support/staff'

test('a stranger reads a record in an emergency, the administrator is alarmed and judges it in words', async ({ server, desk, desktops }, info) => {
  test.setTimeout(180_000)
  const patient = await Voice.arrives(server, 'an emergency')
  await desk.see(patient)
  await desk.write({ complaint: '发热两天', diagnosis: '时行感冒', advice: '多饮水；青霉素过敏，勿用' })
  const on = (id: string) => desk.page.getByTestId(id)
  await desk.openPrescriptions()
  await on('rx-new-herbal').click()
  await on('rx-add').click()
  await on('rx-herb').fill('茯苓')
  await desk.page.keyboard.press('Escape')
  await on('rx-grams').fill('15')
  await on('rx-sign').click()
  await expect(on('rx-state')).toHaveText(desk.say('rx.state.signed'))
  await desk.chooseOutcome('home_care')
  await desk.sign()
  await desk.end()

  await usePage(desktops, server.baseURL, DESK, info, 'administrator', async (office) => {
    await signIn(office, server.account('administrator'))
    await expect(office).toHaveURL(/\/admin/)
    await expect(office.getByTestId('link-state')).toHaveAttribute('data-open', 'true')
    await expect(office.getByTestId('review-alarm')).toBeHidden()

    await usePage(desktops, server.baseURL, DESK, info, 'stranger', async (page) => {
      const at = (id: string) => page.getByTestId(id)
      await signIn(page, server.account('doctor', 1))
      await at('stranger-open').click()
      await page.locator('#stranger-number').fill('11010119900101')
      await at('stranger-search').click()
      await expect(page.getByText('证件号码不对')).toBeVisible()
      await page.locator('#stranger-number').fill(young('an emergency').card)
      await at('stranger-search').click()
      await expect(at('stranger-found')).toContainText('演示医师甲')
      await expect(page.getByRole('dialog')).not.toContainText('时行感冒')
      await at('stranger-found').click()
      await expect(at('stranger-read')).toHaveAttribute('aria-disabled', 'true')
      await page.locator('#stranger-reason').fill('患者昏迷送来，需知道过敏史')
      await expectAccessible(page, 'emergency read, the question')
      await picture(page, 'stranger-asked')
      await at('stranger-read').click()
      await expect(at('stranger-record')).toContainText('青霉素过敏')
      await expect(at('stranger-rx')).toContainText('茯苓 15 g')
      await expect(at('stranger-record').locator('input, textarea, select, button')).toHaveCount(0)
      await expectAccessible(page, 'emergency read, the record')
      await expectNoSidewaysScroll(page, 'emergency read, the record')
      await picture(page, 'stranger-record')
      await at('stranger-close').click()

      // By the number on the paper it is the same one.
      const doctor = await Api.staff(server.baseURL, server.account('doctor', 1))
      const clinics = (await doctor.get('/clinics')) as unknown as { id: string }[]
      await at('stranger-open').click()
      await page.locator('#stranger-way-number').check()
      await at('number-clinic').selectOption(String(clinics[0]?.id))
      await at('number-day').fill(new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format())
      await at('number-no').fill(String(patient.no))
      await at('stranger-search').click()
      await expect(at('stranger-found')).toHaveCount(1)
    })

    // It is on the administrator's screen by itself.
    await expect(office.getByTestId('review-alarm')).toContainText('演示医师乙')
    await picture(office, 'admin-alarm')
    await office.getByTestId('review-alarm-open').click()
    const review = office.getByTestId('access-review')
    await expect(review).toContainText('患者昏迷送来')
    await expect(office.getByTestId('justified')).toHaveAttribute('aria-disabled', 'true')
    await review.getByRole('textbox').fill('急诊科来电已核实')
    await expectAccessible(office, 'administrator, an emergency read')
    await picture(office, 'admin-review')
    await office.getByTestId('justified').click()
    await expect(office.getByTestId('review-alarm')).toBeHidden()
    await office.getByTestId('reviews-judged').locator('summary').click()
    await expect(office.getByTestId('reviews-judged')).toContainText('急诊科来电已核实')
    await expectNoSidewaysScroll(office, 'administrator, judged reads')
    await picture(office, 'admin-judged')
  })
})
