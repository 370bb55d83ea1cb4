import { expectCall, received, usedPath } from './support/call'
import { invent } from './support/people'
import { relayOnly } from './support/relayed'
import { expect, test } from './support/test'

for (const transport of ['udp', 'tcp'] as const) {
  test(`where UDP to the media port is blocked, a patient and a doctor meet over TURN on ${transport}`, async ({ server, patient, desk }) => {
    for (const page of [patient.page, desk.page]) await relayOnly(page, transport)
    await desk.page.reload()
    await desk.openDesk()
    await patient.appear(server, invent(`turn-${transport}`))
    await desk.callNext()
    await patient.accept()
    await desk.confirm()
    await expectCall(patient.page, desk.page)
    for (const page of [patient.page, desk.page]) {
      await expect.poll(async () => (await usedPath(page)).way).toBe(`relay/${transport}`)
      expect((await received(page)).connected).toBe(true)
    }
  })
}
