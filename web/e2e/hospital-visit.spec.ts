import { readFile } from 'node:fs/promises'
import { expect, test, usePage } from './support/test'
import { DESK } from './support/browser'
import { expectCall } from './support/call'
import { comesNear, messages } from './support/later'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Patient } from './support/patient'
import { downloaded, drawn, expectSays } from './support/pdf'
import { young } from './support/scene'
import { signIn } from './support/staff'

const TCM = 'demo-tcm-clinic'
const REASON = '病情需要，已向患者说明'

test('a visit from the booking to the printed prescription', async ({ server, patient: person, desk, desktops }, info) => {
  test.setTimeout(480_000)
  const patient = new Patient(person.page, person.say, TCM)
  const { page, say } = patient
  const who = young('a whole visit')
  const at = (id: string) => desk.page.getByTestId(id)

  await test.step('books', async () => {
    await page.goto(`/v/${TCM}/book`)
    await patient.signIn(who.phone)
    await patient.identify(who)
    // Far enough that the messages of an hour and of ten minutes before are still to come.
    await page.locator('.day').nth(1).click()
    // Of the doctor at whose desk the visit is: nobody else calls who comes on time.
    await page.getByRole('region', { name: '演示医师甲' }).locator('.time:enabled').nth(3).click()
    const [made] = await Promise.all([
      page.waitForResponse((one) => one.request().method() === 'POST' && one.url().endsWith('/appointments')),
      patient.button(say('booking.confirm')).click(),
    ])
    await expect(patient.heading(say('booking.done'))).toBeVisible()
    await expectAccessible(page, 'visit, booked')
    await picture(page, 'visit-1-booked')
    const { id } = (await made.json()) as { id: string }

    await page.goto(`/me/${TCM}/appointments`)
    await expect(page.getByText(say('booking.state.booked'))).toBeVisible()
    // Ten minutes before, as the clock will show it then.
    comesNear(server, id, 9 * 60_000)
    await expect.poll(async () => (await messages(server, 'remind_ten_minutes')).length, { timeout: 20_000, message: 'the text message' }).toBe(1)
    const [told] = await messages(server, 'remind_ten_minutes')
    expect(told?.to).toContain(who.phone)
    expect(told?.text).toContain(`/me/${TCM}/appointments`)
    expect(told?.text).not.toMatch(/演示患者|中医/)
    // The page heard of it, and nobody reloaded it.
    await expect(page.getByRole('link', { name: say('booking.check_in') })).toBeVisible()
    await picture(page, 'visit-2-reminded')
  })

  await test.step('checks in', async () => {
    await page.getByRole('link', { name: say('booking.check_in') }).click()
    await patient.denyRedFlags()
    await patient.consent()
    await patient.declare()
    await patient.readResult()
    await patient.passCheck()
    await patient.takeNumber()
    await picture(page, 'visit-3-waiting')
  })

  await test.step('is seen by video', async () => {
    // The second clinic's desk: where the appointment is.
    await at('choose-desk').last().click()
    await desk.expectOpen()
    await desk.callNext()
    await patient.accept()
    await desk.confirm()
    await expectCall(page, desk.page)
    await picture(page, 'visit-4-call')
    await picture(desk.page, 'visit-4-desk')
  })

  const enter = async (id: string, typed: string) => {
    await at(id).pressSequentially(typed)
    await expect(desk.page.getByRole('listbox').filter({ visible: true }).getByRole('option').first()).toBeVisible()
    await desk.page.keyboard.press('Enter')
  }
  await test.step('four examinations and diagnoses', async () => {
    await at('tab-history').click()
    await at('note-complaint').fill('发热两天，咽痛')
    await at('tab-exam').click()
    await enter('exam-quick', 'whfr')
    await enter('exam-quick', 'sjh')
    await enter('exam-quick', 'bt')
    await expect(at('tongue-body-tongue.red_tip')).toBeVisible()
    await expect(at('pulse-remote')).toBeChecked()
    await picture(desk.page, 'visit-5-exams')
    await at('tab-diagnosis').click()
    await enter('dx-disease', 'sxgm')
    await enter('dx-pattern', '风热犯肺')
    await at('note-advice').fill('避风寒，多休息，多饮水')
    await desk.expectSaved()
    await picture(desk.page, 'visit-5-diagnoses')
  })

  await test.step('a formula with a finding, reasoned and signed', async () => {
    await at('tab-rx').click()
    await at('rx-kind-return').click()
    await at('rx-proof').check()
    await expect(at('rx-open')).toBeVisible()
    await at('rx-formula').fill('qpt')
    await expect(at('rx-formula-offer')).toContainText('清肺排毒汤')
    await at('rx-formula').press('Enter')
    await expect(at('rx-line')).toHaveCount(21)
    await expect(desk.page.locator('[data-rule="DOSE-HIGH"]')).toHaveCount(2)
    await expect(at('rx-sign')).toHaveAttribute('aria-disabled', 'true')
    await picture(desk.page, 'visit-6-finding')
    for (const reason of await at('rx-reason').all()) await reason.fill(REASON)
    await at('rx-sign').click()
    await at('rx-again-yes').click()
    await expect(at('rx-state')).toHaveText(say('rx.state.signed'))
  })

  await usePage(desktops, server.baseURL, DESK, info, 'pharmacist', async (desktop) => {
    const by = (id: string) => desktop.getByTestId(id)
    await test.step('the pharmacist returns it', async () => {
      await signIn(desktop, server.account('pharmacist'))
      await by('pharmacy-claim').click()
      await desktop.locator('#review-reason').fill('请核对细辛用量')
      await picture(desktop, 'visit-7-review')
      await by('review-return').click()
      await expect(by('pharmacy-said')).toHaveText(say('pharmacy.done.returned'))
      await expect(at('rx-returned')).toContainText('请核对细辛用量')
    })
    await test.step('it is corrected and approved', async () => {
      await at('rx-change').click()
      await at('rx-line').nth(16).getByTestId('rx-grams').fill('3')
      await expect(desk.page.locator('[data-rule="DOSE-HIGH"]')).toHaveCount(1)
      for (const reason of await at('rx-reason').all()) await reason.fill(REASON)
      await at('rx-sign').click()
      await at('rx-again-yes').click()
      await expect(at('rx-state')).toHaveText(say('rx.state.signed'))
      await by('pharmacy-claim').click()
      await by('review-all').click()
      await by('review-approve').click()
      await expect(by('pharmacy-said')).toHaveText(say('pharmacy.done.approved'))
      await expect(at('rx-state')).toHaveText(say('rx.state.approved'))
      await picture(desk.page, 'visit-8-approved')
    })
  })

  const papers = {
    record: ['门诊病历', '时行感冒', '风热犯肺', '发热两天'],
    prescription: ['中药处方笺', '临床诊断', '风热犯肺', '麻黄', '炙甘草', '杏仁', '生石膏', '桂枝', '泽泻', '猪苓', '白术', '茯苓', '柴胡', '黄芩', '细辛', '藿香', '先煎'],
    referral: ['转诊单', '医院门诊', '需面诊查血', '发热两天'],
  } as const
  await test.step('the record is signed, the desk prints its papers, and the visit ends', async () => {
    await at('papers-open').click()
    await expect(at('paper-prescription-a4')).toBeVisible()
    await expect(at('paper-record-a4'), 'nothing is printed of what is not signed').toBeHidden()
    await desk.page.keyboard.press('Escape')
    await desk.chooseOutcome('go_to_hospital')
    await desk.sign()
    await at('papers-open').click()
    await expect(at('paper-referral-a5')).toBeVisible()
    await expectAccessible(desk.page, 'desk, papers to print')
    await picture(desk.page, 'visit-8-papers')
    for (const [kind, words] of Object.entries(papers)) {
      for (const paper of ['a4', 'a5']) {
        const file = await downloaded(desk.page, at(`paper-${kind}-${paper}`), `desk-${kind}-${paper}.pdf`)
        expectSays(file, await readFile(file), [...words, who.name])
        drawn(file)
      }
    }
    await desk.page.keyboard.press('Escape')
    await desk.end()
    await patient.expectAfter()
  })

  await test.step('the patient reads it in plain words', async () => {
    await expect(page.getByTestId('plain-diagnosis')).toContainText('时行感冒', { timeout: 20_000 })
    await expect(page.getByTestId('plain-advice')).toContainText('多饮水')
    await expect(page.getByTestId('plain-exams.pulse')).toContainText('没有为您把脉')
    await expect(page.locator('.sheet')).not.toContainText(/A01\.|B02\.|SF8A/)
    await expect(page.getByTestId('my-rx')).toContainText('细辛')
    await expect(page.getByTestId('my-rx-state')).toContainText('可以取药')
    await page.getByTestId('my-readers-open').click()
    await expect(page.getByTestId('my-reader').first()).toBeVisible()
    await expectAccessible(page, 'visit, after')
    await expectNoSidewaysScroll(page, 'visit, after')
    await picture(page, 'visit-9-after')
    await page.getByTestId('my-rx').scrollIntoViewIfNeeded()
    await picture(page, 'visit-9-prescription')
    await page.getByTestId('my-readers').scrollIntoViewIfNeeded()
    await picture(page, 'visit-9-readers')
  })

  await test.step('and prints it', async () => {
    for (const [kind, words] of Object.entries(papers)) {
      for (const paper of ['a4', 'a5']) {
        const file = await downloaded(page, page.getByTestId(`download-${kind}-${paper}`), `visit-${kind}-${paper}.pdf`)
        expectSays(file, await readFile(file), [...words, who.name])
        drawn(file)
      }
    }
  })
})
