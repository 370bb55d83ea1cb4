import { launchChromium, PHONE } from './support/browser'
import { expectAccessible, picture } from './support/look'
import { invent } from './support/people'
import { expectSeen, Invited, meet, People } from './support/room'
import { expect, test, usePage } from './support/test'
import { wordsOf } from './support/words'

test('the doctor leaves alone and comes back, or ends the visit for everybody, an observer among them', async ({ server, patient, desk }, info) => {
  test.setTimeout(180_000)
  await meet(server, patient, desk, invent('is watched by a student'))
  const people = new People(desk.page)
  const link = await people.invite('observer', '演示学生')
  const school = await launchChromium({ camera: 'green' })
  await usePage(school, server.baseURL, PHONE, info, 'observer', async (page) => {
    const observer = new Invited(page, wordsOf('zh'))
    await observer.open(link)
    await expect(page.getByText(observer.say('guest.observer'))).toBeVisible()
    await observer.knock()
    // Let in from the banner, with the panel closed.
    await desk.page.getByTestId('control-people').click()
    await expect(desk.page.getByTestId('knock')).toContainText('演示学生')
    await expectAccessible(desk.page, 'desk, somebody knocks')
    await picture(desk.page, 'desk-knock')
    await desk.page.getByTestId('knock-admit').click()
    // Sees the two, is named to them, and sends nothing.
    await expectSeen(page, ['red', 'blue'])
    for (const one of [desk.page, patient.page]) {
      await expect(one.getByTestId('who-is-here')).toContainText('演示学生')
      await expectSeen(one, ['red', 'blue'])
    }
    for (const control of ['control-mic', 'control-camera', 'control-chat', 'control-screen']) await expect(observer.at(control)).toHaveCount(0)
    await picture(page, 'guest-observer')

    await desk.page.getByTestId('control-hang-up').click()
    await expect(desk.page.getByRole('dialog')).toContainText(desk.say('room.end_all.hint'))
    await expectAccessible(desk.page, 'desk, leave or end')
    await picture(desk.page, 'desk-leave-or-end')
    await desk.page.getByTestId('hang-up-yes').click()
    await expectSeen(page, ['red'])
    await desk.page.getByTestId('call-enter').click()
    await expectSeen(page, ['red', 'blue'])
    await expectSeen(patient.page, ['red', 'blue'])

    // To end asks for the outcome first, as the record does.
    await desk.page.getByTestId('control-hang-up').click()
    await desk.page.getByTestId('end-all').click()
    await desk.page.getByTestId('end-outcome').click()
    await desk.chooseOutcome('home_care')
    await desk.page.getByTestId('control-hang-up').click()
    await desk.page.getByTestId('end-all').click()
    await desk.page.getByTestId('end-yes').click()
    await expect(observer.at('guest-over')).toContainText(observer.say('guest.over'))
    await picture(page, 'guest-over')
    await patient.expectAfter()
    await desk.expectOpen()
  })
  await school.close()
})
