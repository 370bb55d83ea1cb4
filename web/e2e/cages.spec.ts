import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Page } from '@playwright/test'
import { launchChromium, DESK, PHONE } from './support/browser'
import { Net, type Cage } from './support/cage'
import { expectCall, received, usedPath } from './support/call'
import { Desk } from './support/desk'
import { Patient } from './support/patient'
import { invent } from './support/people'
import { freeTcp, freeUdp, Server } from './support/server'
import { expect, test, usePage, DOCTOR_HERTZ, PATIENT_HERTZ } from './support/test'
import { wordsOf } from './support/words'

const UDP = 'meta l4proto udp drop'
const lose = (percent: number): string[] => [`meta l4proto { tcp, udp } numgen random mod 100 < ${percent} drop`]

/** The network, what it does, and the way that sound and picture may take through it; those of the gate stand for all. */
const CAGES: readonly (Cage & { name: string; what: string; way: RegExp; gate?: true })[] = [
  { name: 'open', what: 'nothing is in the way', way: /^(host|prflx|srflx)\/udp$/ },
  { gate: true, name: 'UDP blocked', what: 'no UDP at all', out: [UDP], in: [UDP], way: /^relay\/(tcp|tls)$/ },
  { name: 'only TCP 443', what: 'nothing goes out but TCP to port 443', out: ['oifname "out" tcp dport != 443 drop', UDP], in: [UDP], way: /^relay\/(tcp|tls)$/ },
  { gate: true, name: 'only TLS on 443', what: 'the same, and what does not begin as TLS is cut', out: ['oifname "out" tcp dport != 443 drop', UDP], in: [UDP], tlsOnly: true, way: /^relay\/tls$/ },
  { name: 'symmetric NAT', what: 'a router maps each destination to another port', symmetric: true, way: /\/(udp|tcp|tls)$/ },
  { name: 'IPv6 only', what: 'no address of IPv4', v6: true, way: /\/(udp|tcp|tls)$/ },
  { name: 'MTU 1280', what: 'no packet longer than 1,280 bytes', mtu: 1280, way: /\/udp$/ },
  { name: '5 % loss', what: 'every 20th packet is lost, each way', out: lose(5), in: lose(5), way: /\/(udp|tcp|tls)$/ },
  { gate: true, name: '10 % loss', what: 'every 10th packet is lost, each way', out: lose(10), in: lose(10), way: /\/(udp|tcp|tls)$/ },
  { name: '300 ms delay', what: '150 ms more each way', delay: 150, way: /\/(udp|tcp|tls)$/ },
  { name: '500 kbit/s', what: '500 kbit/s each way', rate: '500kbit', way: /\/(udp|tcp|tls)$/ },
  { gate: true, name: 'address change', what: 'in the call the first network goes and another comes', second: true, way: /\/(udp|tcp|tls)$/ },
]
/** The goal of a call that was accepted; what is proved here is that it comes, the table says when. */
const GOAL_MS = 5_000
const COMES_WITHIN_MS = 30_000
const TABLE = fileURLToPath(new URL('../../docs/NETWORKS.md', import.meta.url))

const ALL = process.env['YUNZHEN_CAGES'] === 'all'
const CHOSEN = CAGES.filter((cage) => ALL || cage.gate)

const rows: string[] = []
let folder = ''

test.beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'yunzhen-cages-'))
})

test.afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true })
  if (ALL && process.env['YUNZHEN_WRITE_DOCS'] === '1' && rows.length === CAGES.length) await writeFile(TABLE, table(rows))
})

for (const [index, cage] of CHOSEN.entries()) {
  test(`a patient and a doctor meet: ${cage.name}`, async ({}, info) => {
    const net = await Net.open(cage, 1 + index)
    const server = await serve(net)
    const phone = await launchChromium({ camera: 'red', hertz: PATIENT_HERTZ, executable: net.chromium, credulous: true })
    const desktop = await launchChromium({ camera: 'blue', hertz: DOCTOR_HERTZ, credulous: true })
    const site = `https://${net.at(443)}`
    try {
      await usePage(desktop, site, { ...DESK, ignoreHTTPSErrors: true }, info, 'desk', async (deskPage) => {
        await usePage(phone, site, { ...PHONE, ignoreHTTPSErrors: true }, info, 'patient', async (page) => {
          const [patient, desk] = [new Patient(page, wordsOf('zh'), server.link), new Desk(deskPage, wordsOf('zh'))]
          await desk.signIn(server.account('doctor'))
          await desk.openDesk()
          await patient.appear(server, invent(`cage ${cage.name}`))
          await desk.callNext()
          await patient.expectCalled()
          const accepted = Date.now()
          await patient.accept()
          await desk.confirm()
          await Promise.all([flows(page), flows(deskPage)])
          const took = Date.now() - accepted
          await expectCall(page, deskPage)
          let after = ''
          if (cage.second) after = await change(net, page, deskPage)
          await expect.poll(async () => (await usedPath(page)).way, 'the way of sound and picture').toMatch(cage.way)
          const { way } = await usedPath(page)
          rows.push(`| ${cage.name} | ${cage.what} | ${way} | ${(took / 1000).toFixed(1)} s | ${took <= GOAL_MS ? 'yes' : 'no'}${after} |`)
          expect(took).toBeLessThan(COMES_WITHIN_MS)
        })
      })
    } finally {
      await Promise.all([phone.close(), desktop.close()])
      await server.stop()
      await net.close()
    }
  })
}

/** A demonstration that is reached at the cage's address, on the ports of a hospital's server. */
async function serve(net: Net): Promise<Server> {
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
async function flows(page: Page): Promise<void> {
  await expect
    .poll(async () => {
      const { frames, audioEnergy } = await received(page)
      return frames > 0 && audioEnergy > 0
    }, { message: 'sound and picture', timeout: COMES_WITHIN_MS, intervals: [50] })
    .toBe(true)
}

/** The network goes and another comes; says how long nothing was heard. */
async function change(net: Net, patient: Page, doctor: Page): Promise<string> {
  const [atDoctor, atPatient] = [await longestSilence(doctor), await longestSilence(patient)]
  await net.changeAddress()
  await expect.poll(async () => (await usedPath(patient)).address, { timeout: 30_000 }).toMatch(/\.6$/)
  await expectCall(patient, doctor)
  return `; at the change the doctor heard nothing for ${await atDoctor()} ms, the patient for ${await atPatient()} ms`
}

/** Watches what a page receives of sound; the function that comes back says the longest time without any. */
async function longestSilence(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const all = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    const watch = { last: performance.now(), longest: 0, packets: -1 }
    Object.assign(window, { __silence: watch })
    const look = async (): Promise<void> => {
      let packets = 0
      const now = all.filter((one) => one.connectionState !== 'closed').at(-1)
      ;(await now?.getStats())?.forEach((one: Record<string, unknown>) => {
        if (one['type'] === 'inbound-rtp' && one['kind'] === 'audio') packets += Number(one['packetsReceived'])
      })
      if (packets !== watch.packets) [watch.packets, watch.last] = [packets, performance.now()]
      watch.longest = Math.max(watch.longest, performance.now() - watch.last)
      setTimeout(() => void look(), 20)
    }
    void look()
  })
  return () => page.evaluate(() => Math.round((window as unknown as { __silence: { longest: number } }).__silence.longest))
}

function table(lines: readonly string[]): string {
  return `# Networks

A patient's Chromium in a network namespace of its own, a doctor's outside, this server with TLS on port 443 between them.
Each cage must carry sound and picture both ways; the goal is five seconds from the patient's *accept*, the doctor's
confirmation of the identity included. Written by \`web/e2e/cages.spec.ts\`, as root:

\`\`\`
cargo build && cd web && YUNZHEN_WRITE_DOCS=1 npm run cages -- --all
\`\`\`

| network | what it does | way | sound and picture after | within 5 s |
|---|---|---|---|---|
${lines.join('\n')}

Loss is nftables' (a random packet of a hundred, TCP as well), the rate is a token bucket's at both ends, the delay is a
relay's in user space, since the machine of the figures has no netem.
`
}
