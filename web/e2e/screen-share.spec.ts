import type { Page } from '@playwright/test'
import { DESK } from './support/browser'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'
import { expectSeen, Invited, meet, People } from './support/room'
import { expect, test, usePage } from './support/test'
import { wordsOf } from './support/words'

/** A browser without a head has no window to choose: what is shared is a green sheet. */
async function chooseSheet(page: Page): Promise<void> {
  await page.evaluate(() => {
    navigator.mediaDevices.getDisplayMedia = async () => {
      const canvas = document.createElement('canvas')
      Object.assign(canvas, { width: 1280, height: 720 })
      const pen = canvas.getContext('2d')!
      setInterval(() => {
        pen.fillStyle = '#00c000'
        pen.fillRect(0, 0, 1280, 720)
      }, 100)
      return canvas.captureStream(10)
    }
  })
}

test('the doctor shows a screen, the patient sees it large beside the doctor, and sees when it ends', async ({ server, patient, desk }) => {
  test.setTimeout(120_000)
  const { page } = patient
  await meet(server, patient, desk, invent('reads a report together'))
  await chooseSheet(desk.page)
  await expect(page.getByTestId('control-screen')).toHaveCount(0)
  await desk.page.getByTestId('control-screen').click()
  await expect(desk.page.getByTestId('sharing')).toBeVisible()
  await expect(page.getByTestId('remote-screen')).toBeVisible()
  await expectSeen(page, ['green', 'red', 'blue'])
  await expect(page.getByText(patient.say('room.screen.of', { name: '医生 演示医师甲' }))).toBeVisible()
  await expectAccessible(page, 'a shared screen')
  await expectAccessible(desk.page, 'desk, sharing the screen')
  await expectNoSidewaysScroll(page, 'a shared screen')
  await picture(page, 'patient-screen')
  await picture(desk.page, 'desk-sharing')

  await desk.page.getByTestId('control-screen').click()
  await expect(page.getByTestId('remote-screen')).toHaveCount(0)
  await expectSeen(page, ['red', 'blue'])
  // And again: the section of before carries it.
  await desk.page.getByTestId('control-screen').click()
  await expectSeen(page, ['green', 'red', 'blue'])
  await desk.page.getByTestId('sharing').getByRole('button').click()
  await expectSeen(page, ['red', 'blue'])
})

test('an invited doctor shows a screen to the patient and to the host, who sees it large', async ({ server, patient, desk, desktops }, info) => {
  test.setTimeout(120_000)
  await meet(server, patient, desk, invent('has a second doctor'))
  const people = new People(desk.page)
  const link = await people.invite('invited_doctor', '演示会诊医师')
  await usePage(desktops, server.baseURL, DESK, info, 'colleague', async (page) => {
    const colleague = new Invited(page, wordsOf('zh'))
    await colleague.open(link)
    await picture(page, 'colleague-landing')
    await colleague.knock()
    await people.at('admit').click()
    await expectSeen(page, ['red', 'blue', 'blue'])
    await chooseSheet(page)
    await colleague.at('control-screen').click()
    for (const one of [desk.page, patient.page]) {
      await expect(one.getByTestId('remote-screen')).toBeVisible()
      await expectSeen(one, ['green', 'red', 'blue', 'blue'])
    }
    await expectAccessible(page, 'an invited doctor who shares')
    await picture(page, 'colleague-sharing')
    await picture(desk.page, 'desk-screen-of-colleague')
    await people.person('invited_doctor').getByTestId('hold').click()
    for (const one of [desk.page, patient.page]) await expectSeen(one, ['red', 'blue'])
  })
})
