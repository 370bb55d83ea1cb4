import { expect, test, usePage } from './support/test'
import { PHONE } from './support/browser'
import { brokenWords, covered, expectNoSidewaysScroll, picture } from './support/look'
import { Patient } from './support/patient'
import { young } from './support/scene'
import { wordsOf } from './support/words'

const TCM = 'demo-tcm-clinic'

test('large type in English fits a phone on every screen', async ({ phones, server, desk }, info) => {
  test.setTimeout(300_000)
  await usePage(phones, server.baseURL, { ...PHONE, locale: 'en-GB' }, info, 'elder-english', async (page) => {
    const patient = new Patient(page, wordsOf('en'), server.link)
    const say = patient.say
    const look = async (name: string) => {
      await expect(page.locator('html')).toHaveAttribute('data-elder', 'on')
      await expectNoSidewaysScroll(page, `${name}, large and English`)
      // A word that is cut off makes no page scroll.
      const cut = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('main button, main a, main p, main h1, main h2, main label')]
          .filter((one) => one.checkVisibility() && one.getBoundingClientRect().width > 1 && (one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 || one.getBoundingClientRect().right > innerWidth + 1))
          .filter((one) => one.closest('.days') === null)
          .map((one) => `${one.tagName} ${(one.textContent ?? '').trim().slice(0, 40)}`),
      )
      expect.soft(cut, `${name}: words that stick out`).toEqual([])
    }
    const who = young('reads large English')
    await patient.open()
    await patient.button(say('common.elder')).click()
    await look('landing')
    await picture(page, 'elder-english-landing')
    await patient.start()
    await look('red flags')
    await patient.denyRedFlags()
    await look('phone')
    await patient.signIn(who.phone)
    await expect(patient.heading(say('who.title'))).toBeVisible()
    await look('identity')
    // A demonstration has somebody to offer.
    await page.getByTestId('invent').click()
    await expect(page.getByLabel(say('who.name'))).toHaveValue(/^演示患者/)
    await picture(page, 'elder-english-identity')
    await patient.button(say('common.next')).click()
    await expect(patient.heading(say('consent.title'))).toBeVisible()
    await look('consents')
    await patient.consent()
    await patient.declare(undefined, (title) => look(`declaration, ${title}`))
    await look('result')
    await patient.readResult()
    await patient.button(say('check.begin')).click()
    await expect(page.getByTestId('untried')).toContainText(say('check.speaker'))
    await look('check')
    await picture(page, 'elder-english-check')
    await page.goto(`/v/${TCM}/book`)
    await patient.signIn(who.phone)
    await expect(page.locator('.time:enabled').first().or(patient.heading(say('who.title')))).toBeVisible()
    if (await patient.heading(say('who.title')).isVisible()) await page.locator('.person').first().click()
    await expect(page.getByTestId('wish-make')).toBeVisible()
    await look('booking')
    await page.locator('.time:enabled').last().click()
    await look('booking, chosen')
    await picture(page, 'elder-english-booking')
    await patient.button(say('booking.confirm')).click()
    await expect(patient.heading(say('booking.done'))).toBeVisible()
    await look('booked')
    await page.getByTestId('follow').click()
    await expect(page.getByTestId('calendar-link')).toBeVisible()
    await look('a calendar that follows')
    await picture(page, 'elder-english-booked')

    await page.goto(`/v/${server.link}`)
    await patient.resumeIfAsked()
    await patient.passCheck()
    await patient.takeNumber()
    await look('waiting')
    await picture(page, 'elder-english-waiting')
    await desk.openDesk()
    await desk.callNext()
    await patient.expectCalled()
    await look('called')
    await patient.accept()
    await desk.confirm()
    await look('call')
    await desk.write({ complaint: '发热', diagnosis: '上呼吸道感染', advice: '多饮水' })
    await desk.chooseOutcome('go_to_hospital')
    await desk.sign()
    await desk.end()
    await patient.expectAfter()
    await expect(page.getByTestId('documents')).toBeVisible({ timeout: 20_000 })
    await page.getByTestId('my-readers-open').click()
    await look('after')
    await picture(page, 'elder-english-after')
  })
})

test('English with text at twice the size can be read and pressed on a phone', async ({ phones, server }, info) => {
  test.setTimeout(180_000)
  const options = { ...PHONE, viewport: { width: 390, height: 844 }, locale: 'en-GB' }
  await usePage(phones, server.baseURL, options, info, 'double-english', async (page) => {
    // As the phone's own setting does it: whatever the page says of its root, twice that.
    await page.addInitScript(() => {
      const double = () => document.documentElement?.style.setProperty('font-size', '225%')
      document.addEventListener('DOMContentLoaded', double)
    })
    const patient = new Patient(page, wordsOf('en'), server.link)
    const say = patient.say
    const look = async (name: string) => {
      await expectNoSidewaysScroll(page, `${name}, twice the size`)
      expect.soft(await brokenWords(page), `${name}: words that are broken`).toEqual([])
      const { left, controls } = await covered(page)
      expect.soft(left, `${name}: the bars leave two thirds of the screen`).toBeGreaterThanOrEqual((844 * 2) / 3)
      expect.soft(controls, `${name}: covered`).toEqual([])
    }
    const who = young('reads twice the size')
    await patient.open()
    await look('landing')
    await picture(page, 'double-english-landing')
    await patient.start()
    await look('red flags')
    await patient.denyRedFlags()
    await expect(page.getByLabel(say('phone.label'))).toBeVisible()
    await look('phone')
    await page.getByLabel(say('phone.label')).fill(who.phone)
    await patient.button(say('phone.send')).click()
    await expect(patient.button(say('code.fill'))).toBeVisible()
    await look('code')
    await picture(page, 'double-english-code')
    await patient.button(say('code.fill')).click()
    await patient.button(say('code.verify')).click()
    await expect(patient.heading(say('who.title'))).toBeVisible()
    await look('identity')
    await patient.identify(who)
    await expect(patient.heading(say('consent.title'))).toBeVisible()
    await look('consents')
    await picture(page, 'double-english-consents')
    await patient.consent()
    await expect(page.locator('#page-title')).toBeVisible()
    await look('declaration')
    await picture(page, 'double-english-declaration')
  })
})
