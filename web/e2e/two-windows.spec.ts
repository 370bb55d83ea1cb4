import { expect, test, usePage } from './support/test'
import { arrive } from './support/api'
import { launchChromium, DESK, PHONE } from './support/browser'
import { expectFrames, expectSound } from './support/call'
import { Desk } from './support/desk'
import { picture } from './support/look'
import { Patient } from './support/patient'
import { invent } from './support/people'
import { wordsOf } from './support/words'

// Also the pictures of the README: `YUNZHEN_SCREENS=1 npx playwright test two-windows`.
test('one person without a camera is both sides in two windows', async ({ server }, info) => {
  const [phone, desktop] = await Promise.all([launchChromium({ camera: 'none' }), launchChromium({ camera: 'none' })])
  await usePage(desktop, server.baseURL, DESK, info, 'desk', async (deskPage) => {
    await usePage(phone, server.baseURL, { ...PHONE, deviceScaleFactor: 2 }, info, 'patient', async (page) => {
      const desk = new Desk(deskPage, wordsOf('zh'))
      const patient = new Patient(page, wordsOf('zh'), server.link)
      await desk.signIn(server.account('doctor'))
      await desk.openDesk()
      await arrive(server, invent('before', '演示患者乙', '19510412'))
      await patient.appear(server, invent('both sides'))
      await arrive(server, invent('behind', '演示患者丙', '19880723'))
      await picture(page, 'patient-waiting')

      await desk.callNext()
      await desk.skip()
      await desk.callNext()
      await patient.accept()
      await desk.confirm()
      await Promise.all([expectFrames(page), expectFrames(deskPage)])
      await Promise.all([expectSound(page), expectSound(deskPage)])
      for (const one of [page, deskPage]) await expect(one.getByTestId('self-video')).toBeVisible()
      await picture(page, 'patient-call')
      await desk.write({ complaint: '发热两天,咽痛', diagnosis: '上呼吸道感染', advice: '多饮水,多休息。体温超过38.5℃服退热药。' })
      await picture(deskPage, 'desk-visit')
    })
  })
  await Promise.all([phone.close(), desktop.close()])
})
