import { expect, test, usePage } from './support/test'
import { launchChromium, PHONE } from './support/browser'
import { expectFrames, expectSound } from './support/call'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Patient } from './support/patient'
import { invent } from './support/people'
import { wordsOf } from './support/words'

test('a denied camera is explained, and the visit goes on', async ({ server, desk }, info) => {
  test.setTimeout(180_000)
  const browser = await launchChromium({ camera: 'red', denied: true })
  await usePage(browser, server.baseURL, PHONE, info, 'denied', async (page) => {
    const patient = new Patient(page, wordsOf('zh'), server.link)
    const person = invent('says no')
    await patient.open()
    await patient.start()
    await patient.denyRedFlags()
    await patient.signIn(person.phone)
    await patient.identify(person)
    await patient.consent()
    await patient.declare()
    await patient.readResult()
    await patient.button(patient.say('check.begin')).click()
    await expect(page.getByText(patient.say('check.fault.denied'), { exact: true })).toBeVisible()
    await expect(page.getByText(patient.say('check.fault.denied.2'))).toBeVisible()
    await expectAccessible(page, 'camera denied')
    await expectNoSidewaysScroll(page, 'camera denied')
    await picture(page, 'patient-camera-denied')

    await patient.button(patient.say('check.audio_only')).click()
    await patient.expectWaiting()
    await desk.openDesk()
    await desk.callNext()
    await patient.accept()
    await desk.confirm()
    // Nothing to send, but the doctor is seen and heard.
    await expectFrames(page)
    await expectSound(page)
    await expectAccessible(page, 'call without a camera')
  })
  await browser.close()
})

test('a machine without a camera is offered the marked test picture of the demonstration', async ({ server, desk }, info) => {
  test.setTimeout(180_000)
  const browser = await launchChromium({ camera: 'none' })
  await usePage(browser, server.baseURL, PHONE, info, 'without', async (page) => {
    const patient = new Patient(page, wordsOf('zh'), server.link)
    const person = invent('has no camera')
    await patient.open()
    await patient.start()
    await patient.denyRedFlags()
    await patient.signIn(person.phone)
    await patient.identify(person)
    await patient.consent()
    await patient.declare()
    await patient.readResult()
    await patient.button(patient.say('check.begin')).click()
    await expect(page.getByText(patient.say('check.fault.missing'), { exact: true })).toBeVisible()
    await expectAccessible(page, 'no camera')
    await patient.button(patient.say('check.test_picture')).click()
    await expect(page.getByText(patient.say('check.test_picture.on'))).toBeVisible()
    await patient.button(patient.say('check.speaker.play')).click()
    await patient.button(patient.say('check.speaker.yes')).click()
    await patient.takeNumber()
    await desk.openDesk()
    await desk.callNext()
    await patient.accept()
    await desk.confirm()
    await expectFrames(page)
    await expectFrames(desk.page)
    await expectSound(desk.page)
  })
  await browser.close()
})
