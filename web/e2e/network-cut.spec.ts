import { expect, test } from './support/test'
import { expectCall, expectFrames, network } from './support/call'
import { Patient } from './support/patient'
import { invent } from './support/people'
import { socketLine } from './support/sockets'

test('ten seconds without a network do not end the call', async ({ server, patient, desk }) => {
  const sockets = await socketLine(patient.page)
  const line = await network(patient.page)
  await patient.appear(server, invent('in a tunnel'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)

  await line.cut()
  await patient.page.context().setOffline(true)
  await sockets.cut()
  await expect(patient.page.getByTestId('reconnecting')).toBeVisible({ timeout: 10_000 })
  await patient.page.waitForTimeout(10_000)
  sockets.mend()
  await patient.page.context().setOffline(false)
  await line.mend()

  await expectCall(patient.page, desk.page)
  await expect(patient.page.getByTestId('reconnecting')).toHaveCount(0)
})

test('a page that wakes after its person went on in another tab says so, and leaves them there', async ({ server, patient, desk }) => {
  const sockets = await socketLine(patient.page)
  await patient.appear(server, invent('two tabs'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
  await sockets.cut()
  await expect(patient.page.getByTestId('reconnecting')).toBeVisible({ timeout: 10_000 })

  const other = new Patient(await patient.page.context().newPage(), patient.say, server.link)
  await other.page.goto(`/v/${server.link}`)
  await other.returnToCall()
  const stage = other.page.getByTestId('call-stage')
  await expect(stage).toHaveAttribute('data-phase', 'live', { timeout: 20_000 })

  sockets.mend()
  await expect(patient.button(patient.say('stage.here_instead'))).toBeVisible({ timeout: 20_000 })
  await expectFrames(desk.page)
  await expect(stage).toHaveAttribute('data-phase', 'live')
  await expect(patient.button(patient.say('stage.here_instead'))).toBeVisible()
})

test('a waiting patient without a network is told that the place is kept, and finds it again', async ({ server, patient }) => {
  const sockets = await socketLine(patient.page)
  await patient.appear(server, invent('waits in a lift'))
  const number = await patient.number()
  await patient.page.context().setOffline(true)
  await sockets.cut()
  await expect(patient.page.getByText(patient.say('wait.lost'))).toBeVisible()
  sockets.mend()
  await patient.page.context().setOffline(false)
  await expect(patient.page.getByText(patient.say('wait.lost'))).toBeHidden()
  expect(await patient.number()).toBe(number)
})
