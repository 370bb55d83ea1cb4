import { expect, test } from './support/test'
import { expectCall } from './support/call'
import { expectAccessible, picture } from './support/look'
import { invent } from './support/people'

test('the wrong person at the phone gives the place back, and the right one is called again', async ({ server, patient, desk }) => {
  const person = invent('the right one')
  await patient.appear(server, person)
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.expectIdentity(person)
  await desk.refuseIdentity()
  await patient.expectWaiting()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
})

test('who picked up for somebody else says so before accepting', async ({ server, patient, desk }) => {
  await patient.appear(server, invent('picked up by a neighbour'))
  await desk.openDesk()
  await desk.callNext()
  await patient.expectCalled()
  await patient.sayNotMe(() => expectAccessible(patient.page, 'not me, the question'))
  await patient.expectWaiting()
})

test('a number that somebody else answers again and again is void and says so', async ({ server, patient, desk }) => {
  await patient.appear(server, invent('never the right one'))
  await desk.openDesk()
  for (let call = 0; call < 3; call++) {
    await desk.callNext()
    await patient.expectCalled()
    await patient.sayNotMe(() => Promise.resolve())
  }
  await expect(patient.heading(patient.say('ended.wrong_person.title'))).toBeVisible()
  await expectAccessible(patient.page, 'void, answered by somebody else')
  await picture(patient.page, 'patient-void-wrong-person')
})

test('a wrong person found in the call loses picture and sound at once', async ({ server, patient, desk }) => {
  await patient.appear(server, invent('found out late'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
  await desk.refuseIdentity()
  await patient.expectWaiting()
})
