import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Page, TestInfo } from '@playwright/test'
import { launchChromium, launchFirefox, DESK, NARROW, PHONE } from './browser'
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

/** A certificate for this address that nobody known has signed. */
export async function sign(address: string, folder: string): Promise<{ key: string; certificate: string }> {
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=cage', '-addext', `subjectAltName=IP:${address}`, '-keyout', key, '-out', certificate],
  ])
  return { key, certificate }
}

/** A demonstration that is reached at the cage's address, on the ports of a hospital's server. */
export async function serve(net: Net, folder: string): Promise<Server> {
  const { key, certificate } = await sign(net.address, folder)
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

export interface Gaps {
  /** The longest time without a packet, in milliseconds. */
  audio: number
  video: number
  /** The longest time without another picture that was decoded. */
  pictures: number
  /** Packets that came. */
  received: Record<'audio' | 'video', number>
  /** Packets that never came. */
  lost: number
}

/** Watches what a page receives; the function that comes back says what was missed since. */
export async function watchGaps(page: Page): Promise<() => Promise<Gaps>> {
  await page.evaluate(async () => {
    const all = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    const gap = () => ({ last: performance.now(), longest: 0, packets: -1 })
    const watch = { audio: gap(), video: gap(), pictures: gap(), lost: 0, lostBefore: 0, before: { audio: 0, video: 0 } }
    Object.assign(window, { __gaps: watch })
    const isNewest = (): boolean => (window as unknown as { __gaps: unknown }).__gaps === watch
    const look = async (): Promise<void> => {
      const counts = { audio: 0, video: 0, pictures: 0 }
      let lost = 0
      const now = all.filter((one) => one.connectionState !== 'closed').at(-1)
      ;(await now?.getStats())?.forEach((one: Record<string, unknown>) => {
        if (one['type'] !== 'inbound-rtp') return
        counts[one['kind'] as 'audio' | 'video'] += Number(one['packetsReceived'])
        counts.pictures += Number(one['framesDecoded'] ?? 0)
        lost += Number(one['packetsLost'])
      })
      for (const kind of ['audio', 'video', 'pictures'] as const) {
        const one = watch[kind]
        if (counts[kind] !== one.packets) [one.packets, one.last] = [counts[kind], performance.now()]
        one.longest = Math.max(one.longest, performance.now() - one.last)
      }
      watch.lost = lost
    }
    await look()
    watch.lostBefore = watch.lost
    watch.before = { audio: watch.audio.packets, video: watch.video.packets }
    const again = (): void => void (isNewest() && setTimeout(() => void look().then(again), 20))
    again()
  })
  return () =>
    page.evaluate(() => {
      interface One { longest: number; packets: number }
      const { audio, video, pictures, lost, lostBefore, before } = (window as unknown as { __gaps: Record<'audio' | 'video' | 'pictures', One> & { lost: number; lostBefore: number; before: Record<'audio' | 'video', number> } }).__gaps
      const received = { audio: audio.packets - before.audio, video: video.packets - before.video }
      return { audio: Math.round(audio.longest), video: Math.round(video.longest), pictures: Math.round(pictures.longest), received, lost: lost - lostBefore }
    })
}

/** Watches what a page receives of sound; the function that comes back says the longest time without any. */
export async function longestSilence(page: Page): Promise<() => Promise<number>> {
  const gaps = await watchGaps(page)
  return async () => (await gaps()).audio
}

export interface Meeting {
  net: Net
  /** The doctor's, if that is a cage, too. */
  far: Net | null
  server: Server
  patient: Patient
  desk: Desk
}

/** A patient in a cage and a doctor, both with a moving picture, in a call that flows. `doctorsNet`: the doctor is in one too. `prepare`: each of the two
 *  pages. `phone`: a Firefox is driven over a socket, which leads into no cage: it stands beside it. */
export async function meetInCage(cage: Cage, number: number, info: TestInfo, act: (meeting: Meeting) => Promise<void>, doctorsNet?: Cage, prepare?: (page: Page, who: 'patient' | 'doctor') => Promise<void>, phone: 'chromium' | 'firefox' = 'chromium'): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'yunzhen-cages-'))
  const net = await Net.open(cage, number)
  const far = doctorsNet ? await Net.open(doctorsNet, number + 100) : null
  const server = await serve(net, folder)
  const mobile = phone === 'firefox' ? await launchFirefox() : await launchChromium({ camera: 'moving', hertz: PATIENT_HERTZ, executable: net.chromium, credulous: true })
  const desktop = await launchChromium({ camera: 'moving', hertz: DOCTOR_HERTZ, credulous: true, ...(far ? { executable: far.chromium } : {}) })
  const site = `https://${net.at(443)}`
  try {
    await usePage(desktop, site, { ...DESK, ignoreHTTPSErrors: true }, info, 'desk', async (deskPage) => {
      await usePage(mobile, site, { ...(phone === 'firefox' ? NARROW : PHONE), ignoreHTTPSErrors: true }, info, 'patient', async (page) => {
        const [patient, desk] = [new Patient(page, wordsOf('zh'), server.link), new Desk(deskPage, wordsOf('zh'))]
        await Promise.all([prepare?.(page, 'patient'), prepare?.(deskPage, 'doctor')])
        await desk.signIn(server.account('doctor'))
        await desk.openDesk()
        await patient.appear(server, invent(`caged ${number}`))
        await desk.callNext()
        await patient.accept()
        await desk.confirm()
        await Promise.all([flows(page), flows(deskPage)])
        await act({ net, far, server, patient, desk })
      })
    })
  } finally {
    await Promise.all([mobile.close(), desktop.close()])
    await server.stop()
    await far?.close()
    await net.close()
    await rm(folder, { recursive: true, force: true })
  }
}
