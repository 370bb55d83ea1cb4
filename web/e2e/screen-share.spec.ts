import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'
import { expectSeen, meet } from './support/room'
import { expect, test } from './support/test'

test('the doctor shows a screen, the patient sees it large beside the doctor, and sees when it ends', async ({ server, patient, desk }) => {
  test.setTimeout(120_000)
  const { page } = patient
  await meet(server, patient, desk, invent('reads a report together'))
  // A browser without a head has no window to choose: what is shared is a green sheet.
  await desk.page.evaluate(() => {
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
  await expect(page.getByTestId('control-screen')).toHaveCount(0)
  await desk.page.getByTestId('control-screen').click()
  await expect(desk.page.getByTestId('sharing')).toBeVisible()
  await expect(page.getByTestId('remote-screen')).toBeVisible()
  await expectSeen(page, ['green', 'red', 'blue'])
  await expect(page.getByText(patient.say('room.screen.of', { name: '医师 演示医师甲' }))).toBeVisible()
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
