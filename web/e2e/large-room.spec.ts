import { launchChromium, PHONE } from './support/browser'
import { expectAccessible, expectNoSidewaysScroll, picture, tooSmall } from './support/look'
import { Patient } from './support/patient'
import { invent } from './support/people'
import { expectSeen, Invited, meet, People } from './support/room'
import { expect, test, usePage } from './support/test'
import { wordsOf } from './support/words'
import type { Page } from '@playwright/test'

const ENGLISH = { ...PHONE, locale: 'en-GB' }
const speak = (page: Page, said: string) => page.addInitScript((text) => localStorage.setItem('yunzhen.preferences', text), said)

test('in English and in large type the door, the pictures of three and the guide to the tongue stay readable', async ({ server, phones, desk }, info) => {
  test.setTimeout(180_000)
  await speak(desk.page, 'en|')
  await desk.page.reload()
  const look = async (page: Page, name: string) => {
    expect.soft(await tooSmall(page), name).toEqual([])
    await expectNoSidewaysScroll(page, `${name}, large and English`)
    await expectAccessible(page, `${name}, large and English`)
    await picture(page, `large-${name}`)
  }
  await usePage(phones, server.baseURL, ENGLISH, info, 'patient', async (phone) => {
    await speak(phone, 'en|elder')
    const patient = new Patient(phone, wordsOf('en'), server.link)
    await meet(server, patient, desk, invent('reads large English'))
    const people = new People(desk.page)
    const link = await people.invite('family', 'Daughter')
    await expectAccessible(desk.page, 'desk, people, English')
    await picture(desk.page, 'english-desk-people')
    const home = await launchChromium({ camera: 'green', hertz: 660 })
    await usePage(home, server.baseURL, ENGLISH, info, 'family', async (page) => {
      await speak(page, 'en|elder')
      const family = new Invited(page, wordsOf('en'))
      await family.open(link)
      await look(page, 'guest-landing')
      await family.knock()
      await look(page, 'guest-door')
      await people.at('admit').click()
      for (const one of [phone, page, desk.page]) await expectSeen(one, ['red', 'green', 'blue'])
      await look(phone, 'patient-three')
      await look(page, 'guest-three')
      await picture(desk.page, 'english-desk-three')
      await people.person('family').getByTestId('mute').click()
      await expect(family.at('muted-by-host')).toBeVisible()
      await people.person('family').getByTestId('hold').click()
      await expect(family.at('held')).toBeVisible()
      await look(page, 'guest-held')
      await desk.page.getByTestId('control-picture').click()
      await expect(phone.getByTestId('picture-verdict')).toBeVisible()
      await look(phone, 'patient-tongue')
      await phone.getByTestId('picture-take').click()
      await expect(phone.getByTestId('picture-shot')).toBeVisible()
      await look(phone, 'patient-tongue-shot')
      await phone.getByTestId('picture-send').click()
      await expect(desk.page.getByTestId('picture-arrived')).toBeVisible()
      await desk.page.getByTestId('picture-see').click()
      await expect(desk.page.getByTestId('picture-verdict')).toBeVisible()
      await expectAccessible(desk.page, 'desk, the tongue, English')
      await picture(desk.page, 'english-desk-tongue')
      await people.open()
      await people.person('family').getByTestId('remove').click()
      await people.at('remove-yes').click()
      await expect(family.at('guest-over')).toBeVisible()
      await look(page, 'guest-removed')
    })
    await home.close()
  })
})
