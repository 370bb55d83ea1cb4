import { expect, test, usePage } from './support/test'
import { PHONE } from './support/browser'
import { expectCall } from './support/call'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Patient } from './support/patient'
import { invent } from './support/people'
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
    await desk.callNext()
    await patient.expectCalled()
    await look('called')
    await patient.accept()
    await desk.confirm()
    await expectCall(page, desk.page)
    await look('call')
    await picture(page, 'english-call')
  })
})
