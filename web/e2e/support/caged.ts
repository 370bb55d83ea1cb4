import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Page, TestInfo } from '@playwright/test'
import { launchChromium, DESK, PHONE } from './browser'
import { Net, type Cage } from './cage'
import { received } from './call'
import { Desk } from './desk'
import { Patient } from './patient'
import { invent } from './people'
import { freeTcp, freeUdp, Server } from './server'
import { expect, usePage, DOCTOR_HERTZ, PATIENT_HERTZ } from './test'
import { wordsOf } from './words'

/** In every cage sound and picture come within this. */
export const COMES_WITHIN_MS = 30_000

/** A demonstration that is reached at the cage's address, on the ports of a hospital's server. */
export async function serve(net: Net, folder: string): Promise<Server> {
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=cage', '-addext', `subjectAltName=IP:${net.address}`, '-keyout', key, '-out', certificate],
  ])
  const variables = {
    YUNZHEN_TLS_CERT: certificate,
    YUNZHEN_TLS_KEY: key,
    YUNZHEN_PUBLIC_URL: `https://${net.at(443)}`,
    // The test itself speaks plainly, from the server's own machine.
    YUNZHEN_TRUSTED_PROXIES: JSON.stringify([net.address, '127.0.0.1']),
  }
  if (!net.isRelayed) {
    return Server.on(net.at(443), net.at(8443), { ...variables, YUNZHEN_TURN_UDP_ADDR: net.at(3478) })
  }
  const [http, media] = [await freeTcp(), await freeUdp('127.0.0.1')]
  await net.relay({ from: 443, to: http }, { from: 8443, to: media })
  return Server.on(`127.0.0.1:${http}`, `127.0.0.1:${media}`, { ...variables, YUNZHEN_MEDIA_ANNOUNCE: net.at(8443) })
}

/** Until a picture was decoded and a sound had energy. */
export async function flows(page: Page): Promise<void> {
  await expect
    .poll(async () => {
      const { frames, audioEnergy } = await received(page)
      return frames > 0 && audioEnergy > 0
    }, { message: 'sound and picture', timeout: COMES_WITHIN_MS, intervals: [50] })
    .toBe(true)
}

/** Watches what a page receives of sound; the function that comes back says the longest time without any. */
export async function longestSilence(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const all = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    const watch = { last: performance.now(), longest: 0, packets: -1 }
    Object.assign(window, { __silence: watch })
    const isNewest = (): boolean => (window as unknown as { __silence: unknown }).__silence === watch
    const look = async (): Promise<void> => {
      let packets = 0
      const now = all.filter((one) => one.connectionState !== 'closed').at(-1)
      ;(await now?.getStats())?.forEach((one: Record<string, unknown>) => {
        if (one['type'] === 'inbound-rtp' && one['kind'] === 'audio') packets += Number(one['packetsReceived'])
      })
      if (packets !== watch.packets) [watch.packets, watch.last] = [packets, performance.now()]
      watch.longest = Math.max(watch.longest, performance.now() - watch.last)
      if (isNewest()) setTimeout(() => void look(), 20)
    }
    void look()
  })
  return () => page.evaluate(() => Math.round((window as unknown as { __silence: { longest: number } }).__silence.longest))
}

export interface Meeting {
  net: Net
  server: Server
  patient: Patient
  desk: Desk
}

/** A patient in a cage and a doctor, both with a moving picture, in a call that flows. `doctorsNet`: the doctor is in one too. `prepare`: the patient's page. */
export async function meetInCage(cage: Cage, number: number, info: TestInfo, act: (meeting: Meeting) => Promise<void>, doctorsNet?: Cage, prepare?: (page: Page) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'yunzhen-cages-'))
  const net = await Net.open(cage, number)
  const far = doctorsNet ? await Net.open(doctorsNet, number + 100) : null
  const server = await serve(net, folder)
  const phone = await launchChromium({ camera: 'moving', hertz: PATIENT_HERTZ, executable: net.chromium, credulous: true })
  const desktop = await launchChromium({ camera: 'moving', hertz: DOCTOR_HERTZ, credulous: true, ...(far ? { executable: far.chromium } : {}) })
  const site = `https://${net.at(443)}`
  try {
    await usePage(desktop, site, { ...DESK, ignoreHTTPSErrors: true }, info, 'desk', async (deskPage) => {
      await usePage(phone, site, { ...PHONE, ignoreHTTPSErrors: true }, info, 'patient', async (page) => {
        const [patient, desk] = [new Patient(page, wordsOf('zh'), server.link), new Desk(deskPage, wordsOf('zh'))]
        await prepare?.(page)
        await desk.signIn(server.account('doctor'))
        await desk.openDesk()
        await patient.appear(server, invent(`caged ${number}`))
        await desk.callNext()
        await patient.accept()
        await desk.confirm()
        await Promise.all([flows(page), flows(deskPage)])
        await act({ net, server, patient, desk })
      })
    })
  } finally {
    await Promise.all([phone.close(), desktop.close()])
    await server.stop()
    await far?.close()
    await net.close()
    await rm(folder, { recursive: true, force: true })
  }
}
