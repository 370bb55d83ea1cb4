import { expect, test, usePage } from './support/test'
import { DESK, PHONE } from './support/browser'
import { expectCall } from './support/call'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Desk } from './support/desk'
import { Patient } from './support/patient'
import { invent } from './support/people'
import { Voice } from './support/scene'
import { wordsOf } from './support/words'

test('a patient who reads English is seen in English', async ({ phones, server, desk }, info) => {
  test.setTimeout(240_000)
  await usePage(phones, server.baseURL, { ...PHONE, locale: 'en-GB' }, info, 'english', async (page) => {
    const patient = new Patient(page, wordsOf('en'), server.link)
    const person = invent('reads English')
    const look = async (name: string) => {
      await expectAccessible(page, `${name}, English`)
      await expectNoSidewaysScroll(page, `${name}, English`)
    }
    await patient.open()
    await expect(page.locator('html')).toHaveAttribute('lang', 'en')
    await look('landing')
    await picture(page, 'english-landing')
    await patient.start()
    await look('red flags')
    await patient.denyRedFlags()
    await patient.signIn(person.phone)
    await patient.identify(person)
    await look('consents')
    await patient.consent()
    await patient.declare(undefined, (title) => look(`declaration, ${title}`))
    await look('result')
    await patient.readResult()
    await patient.passCheck()
    await look('check')
    await patient.takeNumber()
    await look('waiting')
    await picture(page, 'english-waiting')
    // Nothing of the hospital's own words is left in Chinese, but names.
    await expect(page.getByRole('main')).not.toContainText(/候诊|诊位|分钟/)

    await desk.openDesk()
    await expect(desk.page.getByTestId('queue-speech')).toBeVisible()
    await desk.callNext()
    await expect(desk.page.getByTestId('ring').getByTestId('speech')).toContainText(desk.say('speech.en'))
    await patient.expectCalled()
    await look('called')
    await patient.accept()
    await desk.confirm()
    await expectCall(page, desk.page)
    await expect(desk.page.getByTestId('patient-card').getByTestId('speech')).toContainText(desk.say('speech.en'))
    await look('call')
    await picture(page, 'english-call')
  })
})

test('a desk of 1280 pixels is worked at in both languages: names have room, nothing is cut, nothing lies on another', async ({ desktops, server }, info) => {
  test.setTimeout(120_000)
  await usePage(desktops, server.baseURL, { ...DESK, viewport: { width: 1280, height: 800 }, locale: 'en-GB' }, info, 'english desk', async (page) => {
    const at = (id: string) => page.getByTestId(id)
    const say = wordsOf('en')
    const desk = new Desk(page, say)
    const patient = await Voice.arrives(server, 'is seen at an English desk')
    await patient.feelsWorse({ breathing: 'worse', general: 'worse', temperature: 39.6 })
    await desk.signIn(server.account('doctor'))
    await desk.see(patient)
    await at('tab-exam').click()
    await at('vital-temperature').fill('500')
    await at('vital-temperature').blur()
    await expect(at('save-lead')).toContainText(say('record.temperature'))
    await desk.openPrescriptions()
    await at('rx-new-herbal').click()
    await at('rx-add').click()
    await at('rx-herb').fill('fbx')
    await expect(at('rx-offer').first()).toContainText('法半夏')
    await picture(page, 'english-desk-offers')
    await page.keyboard.press('Enter')
    await expect(at('rx-grams')).toBeFocused()
    await at('rx-grams').fill('9')
    const other = page.locator('.frame > header').getByRole('button', { name: /^(English|中文)$|language|语言/ })
    for (const language of ['en', 'zh']) {
      if (language === 'zh') await other.click()
      for (const width of [1280, 1440]) {
        await page.setViewportSize({ width, height: 800 })
        const faults = await page.evaluate(() => {
          const found: string[] = []
          const herb = document.querySelector<HTMLElement>('[data-testid="rx-herb"]')
          if ((herb?.clientWidth ?? 0) < 112) found.push(`a herb has ${herb?.clientWidth} pixels`)
          const reasons = document.querySelector<HTMLElement>('.reasons')
          if (!reasons || reasons.scrollHeight > reasons.clientHeight + 1) found.push('the reasons are cut')
          const foot = [...document.querySelectorAll<HTMLElement>('.foot > *, .foot .state > *')]
          for (const one of foot) {
            if (one.scrollWidth > one.clientWidth + 1) found.push(`cut: ${one.textContent}`)
            for (const two of foot) {
              const [a, b] = [one.getBoundingClientRect(), two.getBoundingClientRect()]
              const lies = a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1
              if (one !== two && !one.contains(two) && !two.contains(one) && lies) found.push(`${one.textContent} lies on ${two.textContent}`)
            }
          }
          return found
        })
        expect.soft(faults, `${language}, ${width} pixels wide`).toEqual([])
        await expectNoSidewaysScroll(page, `desk, ${language}, ${width}`)
        await picture(page, `desk-narrow-${language}-${width}`)
      }
    }
    await expectAccessible(page, 'desk of 1280 pixels')
    await desk.expectOneScreen()
  })
})
