import type { Page } from '@playwright/test'
import { expect, test } from './support/test'
import { expectCall } from './support/call'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Patient } from './support/patient'
import { invent } from './support/people'

/** Text below 18 px and main targets below 60 px, by what they say. */
function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const shown = (one: Element) => one.checkVisibility({ opacityProperty: true }) && one.getBoundingClientRect().width > 1
    const words = (one: Element) => (one.textContent ?? '').trim().slice(0, 20)
    const small: string[] = []
    for (const one of document.querySelectorAll('main p, main li, main button, main label, main h1, main h2, main dd, main dt')) {
      const size = parseFloat(getComputedStyle(one).fontSize)
      if (shown(one) && words(one) && size < 18) small.push(`text of ${size} px: ${words(one)}`)
    }
    for (const one of document.querySelectorAll('main button, main .choice, main a, main input:not([type=radio], [type=checkbox]), main select, main summary')) {
      const { height } = one.getBoundingClientRect()
      if (shown(one) && height > 0 && height < 60) small.push(`target of ${height} px: ${words(one)}`)
    }
    return small
  })
}

test('elder mode is large on every screen, and is remembered', async ({ patient, desk }) => {
  test.setTimeout(240_000)
  const person = invent('reads large', '演示患者乙', '19420101')
  const look = async (name: string) => {
    await expect(patient.page.locator('html')).toHaveAttribute('data-elder', 'on')
    expect.soft(await tooSmall(patient.page), name).toEqual([])
    await expectNoSidewaysScroll(patient.page, `${name}, elder mode`)
    await expectAccessible(patient.page, `${name}, elder mode`)
  }
  await patient.open()
  await patient.button(patient.say('common.elder')).click()
  await look('landing')
  await picture(patient.page, 'elder-landing')
  await patient.page.reload()
  await look('landing after a reload')
  await patient.start()
  await look('red flags')
  await patient.denyRedFlags()
  await expect(patient.page.getByLabel(patient.say('phone.label'))).toBeVisible()
  await look('phone')
  await patient.signIn(person.phone)
  await expect(patient.heading(patient.say('who.title'))).toBeVisible()
  await look('identity')
  await patient.identify(person)
  await expect(patient.heading(patient.say('consent.title'))).toBeVisible()
  await look('consents')
  await patient.consent()
  await patient.declare(undefined, (title) => look(`declaration, ${title}`))
  await look('result')
  await patient.readResult()
  await patient.passCheck()
  await look('check')
  await patient.takeNumber()
  await look('waiting')
  await picture(patient.page, 'elder-waiting')
  await desk.openDesk()
  await desk.callNext()
  await patient.expectCalled()
  await look('called')
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
  await look('call')
  await picture(patient.page, 'elder-call')

  // What comes after: the signed advice, and later the same person's list of visits.
  await desk.write({ complaint: '发热', diagnosis: '上呼吸道感染', advice: '多饮水,多休息' })
  await desk.chooseOutcome('home_care')
  await desk.sign()
  await desk.end()
  await patient.expectAfter()
  const sheet = patient.page.locator('.sheet')
  await expect(sheet.getByText('多饮水,多休息')).toBeVisible({ timeout: 20_000 })
  await expect(sheet.getByText(patient.say('outcome.home_care'), { exact: true })).toBeVisible()
  await expect(sheet.locator('.next p').last()).toHaveText(/.{8,}/)
  expect(await sheet.locator('.worry li').count()).toBeGreaterThan(0)
  await look('after')
  await patient.page.goto(`/me/${patient.link}`)
  await expect(patient.heading(patient.say('me.title'))).toBeVisible()
  await expect(patient.page.locator('.visit')).toHaveCount(1)
  await look('my visits')
})

test('elder mode holds in a new page, on the 120 page, and when a number is void', async ({ server, patient, another, desk }) => {
  const look = async (on: Patient, name: string) => {
    await expect(on.page.locator('html')).toHaveAttribute('data-elder', 'on')
    expect.soft(await tooSmall(on.page), name).toEqual([])
    await expectNoSidewaysScroll(on.page, `${name}, elder mode`)
    await expectAccessible(on.page, `${name}, elder mode`)
  }
  await patient.open()
  await patient.button(patient.say('common.elder')).click()
  await patient.page.close()
  const later = new Patient(await patient.page.context().newPage(), patient.say, patient.link)
  await later.open()
  await look(later, 'landing in a new page')
  await later.start()
  await later.admitRedFlag()
  await expect(later.heading(later.say('emergency.title'))).toBeVisible()
  await look(later, 'the 120 page')
  await picture(later.page, 'elder-120')

  await another.open()
  await another.button(another.say('common.elder')).click()
  await another.appear(server, invent('never answers'))
  await desk.openDesk()
  for (let calls = 0; calls < 10; calls += 1) {
    await desk.callNext()
    await another.expectCalled()
    await desk.skip()
    await expect(another.heading(another.say('called.calling'))).toBeHidden()
    if (await another.isVoid()) break
  }
  await look(another, 'void number')
})
