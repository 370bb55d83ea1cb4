import type { Page } from '@playwright/test'

/** From now on this browser may use nothing but the TURN server that it is told, over one transport. */
export async function relayOnly(page: Page, transport: 'udp' | 'tcp' | 'tls'): Promise<void> {
  const url = transport === 'tls' ? '^turns:.*transport=tcp$' : `^turn:.*transport=${transport}$`
  await page.context().addInitScript((wanted) => {
    const narrow = (configuration?: RTCConfiguration): RTCConfiguration => ({
      ...configuration,
      iceTransportPolicy: 'relay',
      iceServers: (configuration?.iceServers ?? []).map((one) => ({ ...one, urls: [one.urls].flat().filter((url) => new RegExp(wanted).test(url)) })).filter((one) => one.urls.length > 0),
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
  }, url)
}
