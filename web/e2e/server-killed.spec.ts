import { expect, test } from './support/test'
import { expectCall } from './support/call'
import { invent } from './support/people'

test('after a killed server both are back in their call by themselves, and the queue is as it was', async ({ server, patient, another, desk }) => {
  await patient.appear(server, invent('in the call'))
  await another.appear(server, invent('behind in the queue'))
  const number = await another.number()
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
  await desk.write({ complaint: '发热', diagnosis: '流感样病例', advice: '多休息' })
  await desk.expectSaved()

  await server.kill9()
  await expect(patient.page.getByTestId('reconnecting')).toBeVisible({ timeout: 20_000 })
  await server.restart()

  await expectCall(patient.page, desk.page)
  await desk.expectWritten('流感样病例')
  await another.expectWaiting()
  expect(await another.number()).toBe(number)

  await desk.chooseOutcome('home_care')
  await desk.sign()
  await desk.end()
  await desk.callNext()
  await another.expectCalled()
})

test('a server killed while it rings finds the call again', async ({ server, patient, desk }) => {
  await patient.appear(server, invent('called at the wrong moment'))
  await desk.openDesk()
  await desk.callNext()
  await patient.expectCalled()
  await server.kill9()
  await server.restart()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
})
