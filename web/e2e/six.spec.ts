import type { Page } from '@playwright/test'
import { launchChromium, PHONE } from './support/browser'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'
import { Invited, meet, People, seen } from './support/room'
import { expect, test, usePage } from './support/test'
import { wordsOf } from './support/words'

test('six people are in one room and see each other, on a desk side by side and on a phone one large', async ({ server, patient, desk }, info) => {
  test.setTimeout(240_000)
  await meet(server, patient, desk, invent('with five around'))
  const people = new People(desk.page)
  const house = await launchChromium({ camera: 'green', hertz: 660 })
  const roles = [['family', '演示女儿'], ['interpreter', '演示翻译'], ['invited_doctor', '演示会诊医师'], ['observer', '演示学生']] as const
  const inside: Page[] = []
  const comeIn = async (left: typeof roles[number][]): Promise<void> => {
    const [next, ...others] = left
    if (!next) return seeEachOther()
    await usePage(house, server.baseURL, PHONE, info, next[0], async (page) => {
      const invited = new Invited(page, wordsOf('zh'))
      await invited.open(await people.invite(next[0], next[1]))
      await invited.knock()
      await people.at('admit').click()
      await expect(people.person(next[0])).toBeVisible()
      inside.push(page)
      await comeIn(others)
    })
  }
  const seeEachOther = async (): Promise<void> => {
    await desk.page.getByTestId('control-people').click()
    const [family, , colleague] = inside
    // Five cameras: three guests see green, and the observer sends nothing.
    const everybody = [desk.page, patient.page, ...inside]
    for (const page of everybody) {
      await expect
        .poll(async () => {
          // Six browsers are much for a small machine: to the client that is a weak network, and its picture rests until it is asked for.
          for (const one of everybody) await one.getByRole('button', { name: patient.say('stage.paused.now') }).click({ timeout: 200 }).catch(() => undefined)
          return await seen(page)
        }, { message: 'five pictures', timeout: 60_000 })
        .toEqual(['blue', 'green', 'green', 'green', 'red'])
    }
    // The patient always knows who looks on; all the others are a press away.
    await expect(patient.page.getByTestId('who-is-here')).toContainText('旁听 演示学生')
    await patient.page.getByTestId('who-else').click()
    await expect(patient.page.getByRole('dialog').getByRole('listitem')).toHaveCount(5)
    await expectAccessible(patient.page, 'phone, who is here')
    await patient.page.keyboard.press('Escape')
    await expect(desk.page.getByTestId('tile')).toHaveCount(4)
    await expectAccessible(desk.page, 'desk, six people')
    await expectNoSidewaysScroll(patient.page, 'phone, six people')
    await expectAccessible(patient.page, 'phone, six people')
    await picture(desk.page, 'desk-six')
    await picture(patient.page, 'patient-six')
    await picture(family!, 'guest-six')

    // A press shows a person large; on the desk the pictures are arranged by a button.
    await patient.page.getByRole('button', { name: patient.say('stage.show', { name: '翻译 演示翻译' }) }).click()
    await expect(patient.page.getByTestId('large-name')).toHaveText('翻译 演示翻译')
    await desk.page.getByTestId('control-layout').click()
    await expect(desk.page.getByTestId('large-name')).toBeVisible()
    await picture(desk.page, 'desk-six-large')
    // Only who may is offered to share a screen; only the host has the panel.
    await expect(colleague!.getByTestId('control-screen')).toBeVisible()
    for (const page of [patient.page, family!]) await expect(page.getByTestId('control-screen')).toHaveCount(0)
    for (const page of [patient.page, ...inside]) await expect(page.getByTestId('control-people')).toHaveCount(0)
  }
  await comeIn([...roles])
  await house.close()
})
