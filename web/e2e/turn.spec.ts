import { expectCall, received, usedPath } from './support/call'
import { invent } from './support/people'
import { expect, test } from './support/test'
import type { Page } from '@playwright/test'

/** From now on this browser may use nothing but our TURN server, over one transport. */
async function relayOnly(page: Page, transport: 'udp' | 'tcp'): Promise<void> {
  await page.context().addInitScript((wanted) => {
    const narrow = (configuration?: RTCConfiguration): RTCConfiguration => ({
      ...configuration,
      iceTransportPolicy: 'relay',
      iceServers: (configuration?.iceServers ?? []).map((one) => ({ ...one, urls: [one.urls].flat().filter((url) => url.endsWith(`transport=${wanted}`)) })).filter((one) => one.urls.length > 0),
    })
    const Native = window.RTCPeerConnection
    window.RTCPeerConnection = class extends Native {
      constructor(configuration?: RTCConfiguration) {
        super(narrow(configuration))
      }
      override setConfiguration(configuration?: RTCConfiguration): void {
        super.setConfiguration(narrow(configuration))
      }
    }
    // The proof's own list of connections is made by the script before this one.
    const all: RTCPeerConnection[] = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    const Narrow = window.RTCPeerConnection
    window.RTCPeerConnection = class extends Narrow {
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        if (!all.includes(this)) all.push(this)
      }
    }
  }, transport)
}

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
