import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sign } from './support/caged'
import { expectCall, usedPath } from './support/call'
import { invent } from './support/people'
import { relayOnly } from './support/relayed'
import { freeTcp, Server } from './support/server'
import { desktop, expect, phone, test, useBrowser } from './support/test'

const TURNSERVER = process.env['TURNSERVER'] ?? '/usr/bin/turnserver'
const SECRET = 'a secret between the two of them'

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    probe.on('close', () => probe.destroy()).setTimeout(500, () => probe.end())
  })
}

/** An external TURN server on two free ports, the second with TLS; both end with `act`. */
async function withCoturn(act: (plain: number, sealed: number) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'yunzhen-coturn-'))
  const { key, certificate } = await sign('127.0.0.1', folder)
  const [plain, sealed] = [await freeTcp(), await freeTcp()]
  const child = spawn(TURNSERVER, [
    // No file of the machine's: what is said here is all.
    ...['-n', '--no-cli', '--no-dtls', '--no-rfc5780', '--simple-log', '--log-file=stdout'],
    ...['--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', '--allow-loopback-peers'],
    ...['--use-auth-secret', `--static-auth-secret=${SECRET}`, '--realm=yunzhen', `--cert=${certificate}`, `--pkey=${key}`],
    ...[`--listening-port=${plain}`, `--tls-listening-port=${sealed}`],
    ...[`--pidfile=${path.join(folder, 'turnserver.pid')}`, `--userdb=${path.join(folder, 'turndb')}`],
  ], { cwd: folder, stdio: 'ignore' })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  try {
    for (const port of [plain, sealed]) await expect.poll(() => listens(port), { message: 'coturn listens', timeout: 30_000 }).toBe(true)
    await act(plain, sealed)
  } finally {
    child.kill('SIGKILL')
    await gone
    await rm(folder, { recursive: true, force: true })
  }
}

test.skip(!existsSync(TURNSERVER), 'no turnserver (Debian: coturn)')
test.use({
  // Nobody known signed the TURN server's certificate.
  phones: [async ({}, use) => useBrowser({ ...phone, credulous: true }, use), { scope: 'worker' }],
  desktops: [async ({}, use) => useBrowser({ ...desktop, credulous: true }, use), { scope: 'worker' }],
  server: async ({}, use) => {
    await withCoturn(async (plain, sealed) => {
      const urls = [`turn:127.0.0.1:${plain}?transport=tcp`, `turns:127.0.0.1:${sealed}?transport=tcp`]
      const server = await Server.start({ YUNZHEN_TURN_URLS: JSON.stringify(urls), YUNZHEN_TURN_SECRET: SECRET })
      await use(server)
      await server.stop()
    })
  },
})

for (const way of ['tcp', 'tls'] as const) {
  test(`a patient and a doctor meet through an external TURN server over ${way}`, async ({ server, patient, desk }) => {
    for (const page of [patient.page, desk.page]) await relayOnly(page, way)
    await desk.page.reload()
    await desk.openDesk()
    await patient.appear(server, invent(`coturn-${way}`))
    await desk.callNext()
    await patient.accept()
    await desk.confirm()
    await expectCall(patient.page, desk.page)
    for (const page of [patient.page, desk.page]) await expect.poll(async () => (await usedPath(page)).way).toBe(`relay/${way}`)
  })
}
