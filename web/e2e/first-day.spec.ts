import { launchChromium, PHONE } from './support/browser'
import { picture } from './support/look'
import { invent } from './support/people'
import { expectSeen, Invited, People } from './support/room'
import { expect, test, usePage } from './support/test'
import { wordsOf } from './support/words'

// What people who had never seen it stumbled over in their first hour, in one visit.
test('on a first day nobody is left without a word or a button', async ({ server, patient, desk }, info) => {
  test.setTimeout(150_000)
  const at = (id: string) => desk.page.getByTestId(id)
  const en = wordsOf('en')
  await desk.page.addInitScript(() => localStorage.setItem('yunzhen.preferences', 'en|'))
  await desk.page.reload()
  await patient.appear(server, invent('on a first day'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  // To correct is no word of consent.
  await expect(at('identity-correct')).toHaveText(en('identity.correct'))
  expect(en('identity.correct')).not.toBe('Correct')
  await desk.confirm()
  await expectSeen(desk.page, ['blue', 'red'])

  // Whose link was just made knocks while the panel is scrolled to it.
  const people = new People(desk.page)
  const link = await people.invite('family', '演示女儿')
  const home = await launchChromium({ camera: 'green', hertz: 660 })
  await usePage(home, server.baseURL, PHONE, info, 'family', async (page) => {
    const family = new Invited(page, wordsOf('zh'))
    await family.open(link)
    await family.knock()
    await expect(at('knock')).toContainText('演示女儿')
    await at('knock-see').click()
    await expect(at('admit')).toBeInViewport()
    await at('admit').click()
    await expectSeen(desk.page, ['blue', 'green', 'red'])

    // The patient hangs up, and the other's face takes no place without a name. Their page rings.
    await patient.page.getByTestId('control-hang-up').click()
    await patient.page.getByTestId('hang-up-yes').click()
    await expect(at('hung-up')).toContainText(en('dropped.left'))
    await expect(at('large-name')).toContainText('演示女儿')
    await at('dropped-ring').click()
    await expect(at('dropped-quiet')).toBeVisible()
    await picture(desk.page, 'first-day-hung-up')
    await expect(patient.page.getByText(patient.say('call.recalled'))).toBeVisible()
    await patient.returnToCall()
    await expect(at('hung-up')).toBeHidden()
    await expectSeen(desk.page, ['blue', 'green', 'red'])
  })
  await home.close()

  // What was typed and not sent is there after a reload.
  await at('control-chat').click()
  await at('chat-input').fill('请把舌头')
  await desk.page.reload()
  await at('control-chat').click()
  await expect(at('chat-input')).toHaveValue('请把舌头')
  await at('chat-send').click()
  await expect(at('chat-line').filter({ hasText: '请把舌头' })).toBeVisible()
  await expect(at('chat-input')).toHaveValue('')

  // A second tab takes desk and call; one press in the first takes both back.
  const [second] = await Promise.all([desk.page.context().waitForEvent('page'), desk.page.evaluate(() => void window.open('/desk'))])
  await expect(second.getByTestId('call-stage')).toHaveAttribute('data-phase', 'live')
  await desk.page.bringToFront()
  await desk.page.getByRole('button', { name: en('link.here') }).first().click()
  await expect(at('call-stage')).toHaveAttribute('data-phase', 'live')
  await expect(second.getByText(en('link.replaced'))).toBeVisible()
  await second.close()
  await expectSeen(patient.page, ['blue', 'red'])

  // Unsigned, the visit stands in one list; signed, in the other.
  await desk.write({ complaint: '发热', diagnosis: '上呼吸道感染', advice: '多饮水' })
  await desk.chooseOutcome('home_care')
  await desk.end()
  await expect(at('unfinished')).toHaveText(en('unfinished.open', { n: 1 }))
  await expect(at('ended-open')).toHaveText(en('queue.done', { n: 0 }))
  await at('unfinished').click()
  await desk.page.getByRole('button', { name: en('unfinished.write'), exact: true }).click()
  await desk.sign()
  await expect(at('unfinished')).toBeHidden()
  await expect(at('ended-open')).toHaveText(en('queue.done', { n: 1 }))
})
