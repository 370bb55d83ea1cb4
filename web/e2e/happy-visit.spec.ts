import { expect, test } from './support/test'
import { expectCall } from './support/call'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'

test('a patient goes from the link to the signed summary, and is seen and heard', async ({ patient, desk }) => {
  test.setTimeout(240_000)
  const person = invent('happy visit')
  const look = async (name: string) => {
    await expectAccessible(patient.page, name)
    await expectNoSidewaysScroll(patient.page, name)
    await picture(patient.page, `patient-${name}`)
  }

  await patient.open()
  await look('landing')
  await patient.start()
  await look('red-flags')
  await patient.denyRedFlags()
  await expect(patient.page.getByLabel(patient.say('phone.label'))).toBeVisible()
  await look('phone')
  await patient.signIn(person.phone)
  await expect(patient.heading(patient.say('who.title'))).toBeVisible()
  await look('identity')
  await patient.identify(person)
  await expect(patient.heading(patient.say('consent.title'))).toBeVisible()
  await look('consents')
  await patient.consent({ recording: false })
  // What the first page asked is not asked again.
  await expect(patient.page.getByTestId('denied')).toBeVisible()
  await expect(patient.page.getByText('嘴唇')).toHaveCount(0)
  let pages = 0
  await patient.declare(undefined, async () => {
    pages += 1
    await expectAccessible(patient.page, `declaration page ${pages}`)
    await expectNoSidewaysScroll(patient.page, `declaration page ${pages}`)
    if (pages === 2) await picture(patient.page, 'patient-declaration')
  })
  await expect(patient.button(patient.say('result.go'))).toBeVisible()
  await look('result')
  await patient.readResult()
  await patient.passCheck()
  await look('check')
  await patient.takeNumber()
  await look('waiting')

  await desk.openDesk()
  await expectAccessible(desk.page, 'desk, open')
  await desk.callNext()
  await patient.expectCalled()
  await look('called')
  await expectAccessible(desk.page, 'desk, ringing')
  await picture(desk.page, 'desk-ringing')
  await patient.accept()
  await patient.expectBeingIdentified()
  await look('identified')
  await desk.expectIdentity(person)
  await expectAccessible(desk.page, 'desk, identity')
  await desk.confirm()

  await expectCall(patient.page, desk.page)
  await look('call')
  await desk.write({ complaint: '发热两天', diagnosis: '上呼吸道感染', advice: '多饮水,体温超过38.5度服退热药' })
  await expectAccessible(desk.page, 'desk, visit')
  await expectNoSidewaysScroll(desk.page, 'desk, visit')
  await picture(desk.page, 'desk-visit')
  await desk.expectOneScreen()

  await desk.chooseOutcome('home_care')
  await desk.sign()
  await desk.end()
  await patient.expectAfter()
  await expect(patient.page.getByText('上呼吸道感染')).toBeVisible({ timeout: 20_000 })
  await look('after')
})

test('the signed summary opens later with a new code', async ({ server, patient, another, desk }) => {
  const person = invent('reads it later')
  await patient.appear(server, person)
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await desk.write({ complaint: '咳嗽', diagnosis: '急性支气管炎', advice: '休息' })
  await desk.chooseOutcome('follow_up')
  await desk.sign()
  await desk.end()

  // Another phone, later: nothing but the link and the number.
  await another.page.goto(`/me/${another.link}`)
  await expectAccessible(another.page, 'my visits, signed out')
  await another.signIn(person.phone)
  // What was agreed to can be taken back, after a page that says what follows.
  await another.page.getByTestId('my-consents-open').click()
  await another.page.getByTestId('withdraw-process_record').click()
  await expect(another.page.getByRole('dialog')).toContainText(another.say('consents.after.process_record'))
  await expectAccessible(another.page, 'my visits, a consent is taken back')
  await another.page.getByTestId('withdraw-yes').click()
  await expect(another.page.getByTestId('my-consent-process_record')).toContainText(another.say('consents.after.process_record'))
  await expectNoSidewaysScroll(another.page, 'my visits, consents')
  await picture(another.page, 'my-consents')
  await another.page.getByRole('button', { name: /急性支气管炎/ }).click()
  await expect(another.page.getByText('急性支气管炎')).toBeVisible()
  await expectAccessible(another.page, 'my visits, summary')
})
