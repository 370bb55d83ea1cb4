import { networkInterfaces } from 'node:os'
import { expect, test, usePage } from './support/test'
import { hasFirefox, launchChromium, launchFirefox, DESK, NARROW } from './support/browser'
import { expectAllArrives, expectColour, expectFrames, expectSound, received } from './support/call'
import { Desk } from './support/desk'
import { expectAccessible } from './support/look'
import { Patient } from './support/patient'
import { invent } from './support/people'
import { Server } from './support/server'
import { wordsOf } from './support/words'

/** An address of this machine outside 127/8: Firefox pairs no candidate with 127.0.0.1. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
  return all.find((one) => one.family === 'IPv4' && !one.internal)?.address
}

test('a patient with Firefox sees and hears a doctor with Chromium', async ({}, info) => {
  test.setTimeout(240_000)
  const address = ownAddress()
  const missing = !hasFirefox() ? 'no Firefox (set FIREFOX to its path)' : !address ? 'this machine has no address but 127.0.0.1' : ''
  if (missing && process.env['YUNZHEN_REQUIRE_ALL'] === '1') throw new Error(missing)
  if (missing) console.error(`SKIPPED: the journey of a Firefox patient: ${missing}`)
  test.skip(missing !== '', missing)

  const server = await Server.start({}, address)
  const firefox = await launchFirefox()
  const chromium = await launchChromium({ camera: 'blue', hertz: 440 })
  await usePage(chromium, server.baseURL, DESK, info, 'desk', async (deskPage) => {
    await usePage(firefox, server.baseURL, NARROW, info, 'firefox', async (page) => {
      const patient = new Patient(page, wordsOf('zh'), server.link)
      const desk = new Desk(deskPage, wordsOf('zh'))
      await desk.signIn(server.account('doctor'))
      await desk.openDesk()
      await patient.appear(server, invent('uses Firefox'))
      await expectAccessible(page, 'waiting, Firefox')
      await desk.callNext()
      await patient.accept()
      await desk.confirm()
      await Promise.all([expectFrames(page), expectFrames(deskPage)])
      await expectColour(page, 'blue')
      await Promise.all([expectSound(page), expectSound(deskPage)])
      expect((await received(page)).codecs).toContain('video/VP8')
      // However each of them speaks of what it gets: the server waits twenty seconds for who seldom does.
      await Promise.all([page, deskPage].map((one) => expectAllArrives(one, 30_000)))
    })
  })
  await Promise.all([firefox.close(), chromium.close()])
  await server.stop()
})
