import { existsSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { test } from '@playwright/test'
import { DESK, launchChromium, openPage, PHONE } from '../e2e/support/browser'
import { Desk } from '../e2e/support/desk'
import { invent } from '../e2e/support/people'
import { Patient } from '../e2e/support/patient'
import { Server } from '../e2e/support/server'
import { wordsOf } from '../e2e/support/words'
import { figure, percentile } from './figures'
import { bareCall, confirmAtOnce, forget, marksOf, noteSteps, type Marks, type Step } from './marks'

/** Calls that count; the first one warms the machine up and does not. */
const CALLS = Number(process.env['CALLS'] ?? 15)
const BINARY = fileURLToPath(new URL('../../target/release/yunzhen', import.meta.url))

test('from accept to the first frame of the other side', async () => {
  process.env['YUNZHEN_BIN'] ??= BINARY
  if (!existsSync(process.env['YUNZHEN_BIN'])) throw new Error('build it first: cargo build --release')
  const load = loadavg()[0] ?? 0
  const server = await Server.start({ YUNZHEN_LOG: 'info' })
  const say = wordsOf('zh')
  const phones = await launchChromium({ camera: 'red', hertz: 880 })
  const desktops = await launchChromium({ camera: 'blue', hertz: 440 })

  const desk = new Desk(await openPage(desktops, server.baseURL, DESK), say)
  await noteSteps(desk.page)
  await confirmAtOnce(desk.page)
  await desk.signIn(server.account('doctor'))
  await desk.openDesk()

  const calls: { patient: Marks; desk: Marks }[] = []
  const bare: number[] = []
  for (let n = 0; n <= CALLS; n += 1) {
    const patient = new Patient(await openPage(phones, server.baseURL, PHONE), say, server.link)
    await noteSteps(patient.page)
    await patient.appear(server, invent(`first frame ${n}`))
    await forget(desk.page)
    await desk.callNext()
    await patient.expectCalled()
    // Nobody taps sooner; by then the screens have come to rest.
    await patient.page.waitForTimeout(1000)
    await patient.accept()
    const call = { patient: await marksOf(patient.page), desk: await marksOf(desk.page) }
    await desk.chooseOutcome('home_care')
    await desk.end()
    const alone = await bareCall(patient.page)
    await patient.page.context().close()
    if (n === 0) continue
    calls.push(call)
    bare.push(alone)
  }
  await Promise.all([phones.close(), desktops.close()])
  await server.stop()

  const print = (line: string) => void process.stdout.write(`${line}\n`)
  const between = (from: (one: { patient: Marks; desk: Marks }) => number | undefined, to: typeof from) =>
    calls.map((one) => (to(one) ?? Number.NaN) - (from(one) ?? Number.NaN))
  const atPatient = (step: Step) => (one: { patient: Marks }) => one.patient[step]
  const atDesk = (step: Step) => (one: { desk: Marks }) => one.desk[step]
  const whole = between(atPatient('accept'), atPatient('frame'))
  print(`\n${CALLS} calls, load ${load.toFixed(2)} before and ${(loadavg()[0] ?? 0).toFixed(2)} after; milliseconds`)
  print(`accept → first frame, patient    ${figure(whole)}`)
  print(`accept → first frame, desk       ${figure(between(atPatient('accept'), atDesk('frame')))}`)
  print(`confirm → first frame, patient   ${figure(between(atDesk('confirm'), atPatient('frame')))}`)
  print(`confirm → first frame, desk      ${figure(between(atDesk('confirm'), atDesk('frame')))}`)
  print(`  accept → identity at the desk  ${figure(between(atPatient('accept'), atDesk('identity')))}`)
  const steps = ['grant', 'granted', 'seated', 'offer', 'answer', 'connected', 'frame'] as const
  for (const [who, at] of [['patient', atPatient], ['desk', atDesk]] as const) {
    const line = (from: string, to: Step, values: number[]) => print(`  ${`${from} → ${to}, ${who}`.padEnd(31)} ${figure(values)}`)
    line('confirm', 'grant', between(atDesk('confirm'), at('grant')))
    for (const [n, to] of steps.entries()) {
      const from = steps[n - 1]
      if (from) line(from, to, between(at(from), at(to)))
    }
  }
  print(`two connections in one page      ${figure(bare)}`)
  print(`accept → first frame, patient, to two connections in one page: ${(percentile(whole, 0.5) / percentile(bare, 0.5)).toFixed(2)}`)
})
