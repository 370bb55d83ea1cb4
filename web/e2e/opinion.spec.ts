import { readFile } from 'node:fs/promises'
import { expect, test, usePage } from './support/test'
import { Api } from './support/api'
import { DESK, PHONE } from './support/browser'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { downloaded, drawn, expectSays, squareCode } from './support/pdf'
import { Voice, young } from './support/scene'
import { signIn } from './support/staff'

const OPINION = '证属风热犯肺，目前无危重征象'
const ADVICE = '辛凉解表，银翘散加减；三日后复诊'

test('a doctor asks another, who reads, answers and signs, and asker and patient have the paper', async ({ server, desk, desktops, phones }, info) => {
  test.setTimeout(240_000)
  const who = young('an opinion')
  const patient = await Voice.arrives(server, 'an opinion')
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await desk.write({ complaint: '发热两天，咳嗽', diagnosis: '时行感冒', advice: '多饮水' })

  await usePage(desktops, server.baseURL, DESK, info, 'colleague', async (other) => {
    const by = (id: string) => other.getByTestId(id)
    await signIn(other, server.account('doctor', 1))
    await expect(by('opinions-open')).toHaveText(desk.say('opinion.mine'))

    await test.step('the treating doctor asks', async () => {
      await at('tab-outcome').click()
      await at('opinion-ask').click()
      await expect(at('opinion-ask-yes')).toHaveAttribute('aria-disabled', 'true')
      await page.locator('#opinion-doctor').selectOption({ index: 1 })
      await page.locator('#opinion-question').fill('请指导辨证与治法')
      // What the record says already is there; the doctor goes on from it.
      await expect(page.locator('#opinion-summary')).toHaveValue('发热两天，咳嗽\n时行感冒')
      await expectAccessible(page, 'desk, asking for an opinion')
      await expectNoSidewaysScroll(page, 'desk, asking for an opinion')
      await picture(page, 'opinion-1-ask')
      await at('opinion-ask-yes').click()
      await expect(at('opinion-row')).toHaveAttribute('data-state', 'asked')
      await desk.expectOneScreen()
      await picture(page, 'opinion-2-asked')
    })

    await test.step('the other is told at once, reads and writes', async () => {
      await expect(by('opinions-open')).toHaveText(desk.say('opinion.waiting', { n: 1 }))
      await by('opinions-open').click()
      await expect(by('opinions-of_me').getByTestId('opinion-row')).toHaveCount(1)
      await expect(by('my-opinions')).not.toContainText('请指导辨证')
      await expectAccessible(other, 'desk, opinions')
      await picture(other, 'opinion-3-list')
      await by('opinion-open').click()
      await expect(by('answer')).toContainText('请指导辨证与治法')
      await expect(by('stranger-record')).toContainText('时行感冒')
      await expect(by('answer-sign')).toHaveAttribute('aria-disabled', 'true')
      await other.locator('#answer-opinion').fill(OPINION)
      await expect(by('answer-save')).toHaveAttribute('data-state', 'saved')
      // Closed and opened again, it is there.
      await by('opinions-back').click()
      await by('opinion-open').click()
      await expect(other.locator('#answer-opinion')).toHaveValue(OPINION)
      await other.locator('#answer-advice').fill(ADVICE)
      await expectAccessible(other, 'desk, answering')
      await expectNoSidewaysScroll(other, 'desk, answering')
      await picture(other, 'opinion-4-answer')
      await by('answer-sign').click()
      await expect(by('opinion-signed')).toContainText('演示医师乙')
      await expect(by('opinion-text')).toHaveText(OPINION)
      await expect(by('stranger-record')).toBeHidden()
      await picture(other, 'opinion-5-signed')
    })
  })

  await test.step('the treating doctor reads it and takes the paper', async () => {
    await expect(at('opinion-row')).toHaveAttribute('data-state', 'answered')
    await expect(at('opinion-withdraw')).toBeHidden()
    await at('opinion-read').click()
    await expect(at('opinion-text')).toHaveText(OPINION)
    await expectAccessible(page, 'desk, an opinion')
    await picture(page, 'opinion-6-read')
    const file = await downloaded(page, at('opinion-download-a5'), 'opinion-desk-a5.pdf')
    expectSays(file, await readFile(file), ['会诊意见', '风热犯肺'])
    drawn(file)
    await page.keyboard.press('Escape')
    await desk.chooseOutcome('home_care')
    await desk.sign()
    await desk.end()
    // Long after the visit it is still among what this doctor asked.
    await at('desk-more').click()
    await at('opinions-menu').click()
    await expect(at('opinions-by_me').getByTestId('opinion-row')).toHaveAttribute('data-state', 'answered')
    await at('opinion-open').click()
    await expect(at('opinion-text')).toHaveText(OPINION)
    await page.keyboard.press('Escape')
  })

  await test.step('the patient takes the paper along', async () => {
    await usePage(phones, server.baseURL, PHONE, info, 'patient', async (phone) => {
      await phone.addInitScript(([name, value]) => localStorage.setItem(name ?? '', value ?? ''), [`yunzhen.patient.${server.link}`, JSON.stringify(patient.arrival.tokens)])
      await phone.goto(`/me/${server.link}`)
      await phone.locator('.visit').first().click()
      const file = await downloaded(phone, phone.getByTestId('download-opinion-a4'), 'opinion-patient-a4.pdf')
      expectSays(file, await readFile(file), ['会诊意见', '请指导辨证与治法', '发热两天', OPINION, '银翘散', '本意见供邀请医师参考', '演示医师乙', who.name])
      drawn(file)
      await phone.getByTestId('documents').scrollIntoViewIfNeeded()
      await picture(phone, 'opinion-7-patient')
      await expectNoSidewaysScroll(phone, 'patient, the opinion')
      const holder = new Api(server.baseURL, String(patient.arrival.tokens['access_token']))
      const visits = (await holder.get('/me/visits')) as unknown as { id: string }[]
      const documents = (await holder.get(`/visits/${visits[0]?.id ?? ''}/documents`)) as unknown as { kind: string; link: string }[]
      const link = documents.find((one) => one.kind === 'opinion')?.link ?? ''
      const code = await squareCode(phone, file)
      if (code === null) console.error('SKIPPED: the square code is not read: this machine has no pdftoppm')
      else expect(code, 'what a camera reads on the paper').toBe(link)
      await phone.goto(new URL(link).pathname)
      await expect(phone.getByTestId('verdict')).toHaveAttribute('data-state', 'authentic')
      await expect(phone.locator('body')).not.toContainText('风热')
    })
  })
})
