import { launchChromium, PHONE } from './support/browser'
import { received } from './support/call'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'
import { expectSeen, Invited, meet, People } from './support/room'
import { expect, test, usePage } from './support/test'
import { wordsOf } from './support/words'

const FAMILY_HERTZ = 660

test('a family member comes by a link, waits at the door, is let in, held apart, muted and asked to leave', async ({ server, patient, desk }, info) => {
  test.setTimeout(300_000)
  await meet(server, patient, desk, invent('with a daughter'))
  const people = new People(desk.page)
  const link = await people.invite('family', '演示女儿')
  await expectAccessible(desk.page, 'desk, people and a link')
  await desk.expectOneScreen()
  await picture(desk.page, 'desk-invite')

  const home = await launchChromium({ camera: 'green', hertz: FAMILY_HERTZ })
  await usePage(home, server.baseURL, PHONE, info, 'family', async (page) => {
    const family = new Invited(page, wordsOf('zh'))
    await family.open(link)
    await expectAccessible(page, 'invited, landing')
    await expectNoSidewaysScroll(page, 'invited, landing')
    await picture(page, 'guest-landing')
    await family.at('guest-check').click()
    await expect(page.getByText(family.say('check.camera.ok'))).toBeVisible()
    await expectAccessible(page, 'invited, check')
    await picture(page, 'guest-check')
    await family.knock()
    await expectAccessible(page, 'invited, at the door')
    await picture(page, 'guest-door')
    // Nothing of the room reaches the door.
    await expect(page.getByText('演示患者')).toHaveCount(0)
    expect((await received(page)).frames).toBe(0)

    await expect(people.at('knocker')).toContainText('演示女儿')
    await picture(desk.page, 'desk-door')
    await people.at('admit').click()
    await expect(people.person('family')).toBeVisible()
    for (const one of [desk.page, patient.page, page]) await expectSeen(one, ['red', 'green', 'blue'])
    await expect(patient.page.getByTestId('who-is-here')).toContainText('家属 演示女儿')
    for (const [one, name] of [[desk.page, 'desk-three'], [patient.page, 'patient-three'], [page, 'guest-three']] as const) {
      await expectAccessible(one, name)
      await expectNoSidewaysScroll(one, name)
      await picture(one, name)
    }
    // What the daughter writes comes to the desk under her name.
    await family.at('control-chat').click()
    await family.at('chat-input').fill('妈妈昨天没有吃药')
    await family.at('chat-send').click()
    await expect(family.at('chat-line')).toContainText('妈妈昨天没有吃药')
    await expect(desk.page.getByTestId('chat-fresh')).toContainText('演示女儿')
    await expectAccessible(page, 'invited, conversation')
    await picture(page, 'guest-chat')
    await page.getByRole('button', { name: family.say('chat.close') }).click()

    // Held apart: nothing comes in, nothing goes out.
    await people.person('family').getByTestId('hold').click()
    await expect(family.at('held')).toBeVisible()
    await expect(family.at('control-chat')).toHaveCount(0)
    await expectSeen(patient.page, ['red', 'blue'])
    await expect(patient.page.getByTestId('who-is-here')).toContainText(patient.say('room.held.tag'))
    await expectSeen(page, ['green'])
    await expectAccessible(page, 'invited, held apart')
    await picture(page, 'guest-held')
    await picture(desk.page, 'desk-held')
    await people.person('family').getByTestId('release').click()
    for (const one of [desk.page, patient.page, page]) await expectSeen(one, ['red', 'green', 'blue'])

    // Muted by the doctor; only the person's own press undoes it.
    await people.person('family').getByTestId('mute').click()
    await expect(family.at('muted-by-host')).toBeVisible()
    await expect(family.at('control-mic')).toHaveAttribute('data-off', 'true')
    await expect(people.person('family').getByTestId('facts')).toContainText(desk.say('room.muted'))
    await expect(people.person('family').getByTestId('mute')).toHaveCount(0)
    await picture(page, 'guest-muted')
    await family.at('control-mic').click()
    await expect(family.at('muted-by-host')).toHaveCount(0)
    await expect(people.person('family').getByTestId('mute')).toBeVisible()

    // While the other two are silent the floor is theirs: marked on the desk, large on the phone.
    const voices = [desk.page, patient.page].map((one) => one.getByTestId('control-mic'))
    for (const voice of voices) await voice.click()
    const speaking = desk.page.locator('[data-speaks="true"]')
    await expect(speaking).toContainText('演示女儿')
    await expect(speaking.getByLabel(desk.say('room.speaks'))).toBeVisible()
    await expect(speaking).toHaveCount(1)
    await expect(patient.page.getByTestId('large-name')).toHaveText('家属 演示女儿')
    await picture(desk.page, 'desk-speaks')
    for (const voice of voices) await voice.click()

    // A reload comes back without another link.
    await page.reload()
    await family.at('guest-return').click()
    await expectSeen(page, ['red', 'green', 'blue'])

    await people.person('family').getByTestId('remove').click()
    await picture(desk.page, 'desk-remove')
    await people.at('remove-yes').click()
    await expect(family.at('guest-over')).toContainText(family.say('guest.removed'))
    await expectAccessible(page, 'invited, removed')
    await picture(page, 'guest-removed')
    await expectSeen(patient.page, ['red', 'blue'])
    await page.goto('about:blank')
    await page.goto(link)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await expect(family.at('guest-landing')).toHaveCount(0)
    await picture(page, 'guest-link-over')

    // Asked to leave while the page was being loaded again: the way back says so, and does not lead round in a circle.
    await page.goto('about:blank')
    const second = await people.invite('family', '演示女儿')
    await family.open(second)
    await family.knock()
    await people.at('admit').click()
    await expect(people.person('family')).toBeVisible()
    await page.reload()
    await expect(family.at('guest-again')).toBeVisible()
    await expect(page.locator('.hospital')).not.toHaveText(family.say('common.brand'))
    await people.person('family').getByTestId('remove').click()
    await people.at('remove-yes').click()
    await expect(people.person('family')).toHaveCount(0)
    await family.at('guest-return').click()
    await expect(family.at('guest-over')).toContainText(family.say('guest.removed'))
    await picture(page, 'guest-turned-away')
  })
  await home.close()
})
