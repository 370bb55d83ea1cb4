import { writeFileSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { longestSilence, meetInCage } from './support/caged'
import { load, quantile, writeDown } from './support/networks'
import { expect, test } from './support/test'

const ALL = process.env['YUNZHEN_CAGES'] === 'all'
const TIMES = Number(process.env['YUNZHEN_RESUMES'] ?? 30)
/** Thirty of each take nearly four minutes of waiting alone, and more where programs are built beside them: then fewer are measured. */
const WITHIN_MS = 480_000
const ENOUGH = 10

/** Notes when the server welcomed this page, and whether to its old seat. */
async function noteWelcomes(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const welcomes: { at: number; resumed: boolean }[] = []
    const sockets: WebSocket[] = []
    const steps: { at: number; what: string }[] = []
    const heard: number[] = []
    Object.assign(window, { __welcomes: welcomes, __sockets: sockets, __steps: steps, __heard: heard })
    const Native = window.WebSocket
    window.WebSocket = class extends Native {
      constructor(...words: ConstructorParameters<typeof WebSocket>) {
        super(...words)
        sockets.push(this)
        const note = (what: string): unknown => steps.push({ at: Date.now(), what: `${sockets.length} ${what}` })
        note('begun')
        this.addEventListener('open', () => note('open'))
        this.addEventListener('close', () => note('closed'))
        this.addEventListener('message', ({ data }) => {
          const said = JSON.parse(String(data)) as { type: string; resumed?: boolean }
          heard.push(Date.now())
          if (said.type === 'welcome') welcomes.push({ at: Date.now(), resumed: said.resumed === true })
        })
      }
    }
  })
}

/** What became of each attempt, in milliseconds before and after the network was back. */
const steps = (page: Page, back: number): Promise<string> =>
  page.evaluate((back) => (window as unknown as { __steps: { at: number; what: string }[] }).__steps.splice(0).map(({ at, what }) => `${at - back} ${what}`).join(', '), back)

const heard = (page: Page): Promise<number[]> => page.evaluate(() => (window as unknown as { __heard: number[] }).__heard)
const lastHeard = async (page: Page): Promise<number> => (await heard(page)).at(-1) ?? 0
const firstHeardAfter = async (page: Page, moment: number): Promise<number> => (await heard(page)).find((at) => at > moment) ?? NaN

const endSockets = (page: Page): Promise<void> => page.evaluate(() => (window as unknown as { __sockets: WebSocket[] }).__sockets.forEach((one) => one.close()))

const welcomes = (page: Page): Promise<{ at: number; resumed: boolean }[]> =>
  page.evaluate(() => (window as unknown as { __welcomes: { at: number; resumed: boolean }[] }).__welcomes)

const KINDS = [
  { kind: 'told', name: 'TCP is refused' },
  { kind: 'silent', name: 'nobody is told' },
] as const
const rows: string[] = []

for (const [at, { kind, name }] of KINDS.entries()) {
  test(`a page that lost its network is in its seat again as soon as the network is back: ${name}`, async ({}, info) => {
    test.skip(!ALL, 'minutes long: npm run cages -- --all')
    test.setTimeout(WITHIN_MS + 240_000)
    await meetInCage({}, 61 + at, info, async ({ net, patient }) => {
      const took: number[] = []
      const how: string[] = []
      const until = Date.now() + WITHIN_MS
      for (let time = 0; time < TIMES && Date.now() < until; time += 1) {
        await patient.page.waitForTimeout(4_200)
        const before = (await welcomes(patient.page)).length
        await net.hole(kind)
        // From a second to four: every place in the delays between two attempts.
        await patient.page.waitForTimeout(1_000 + (time % 10) * 330)
        await net.hole(null)
        const back = Date.now()
        // Where nothing was said in the hole, the socket of before may have lived through it.
        await expect
          .poll(async () => (await welcomes(patient.page)).length > before || (await lastHeard(patient.page)) > back, { timeout: 20_000, intervals: [50] })
          .toBe(true)
        const welcome = (await welcomes(patient.page))[before]
        if (welcome) expect(welcome.resumed).toBe(true)
        took.push(Math.max(0, (welcome?.at ?? (await firstHeardAfter(patient.page, back))) - back))
        how.push(`${took.at(-1) ?? 0} ms: ${await steps(patient.page, back)}`)
      }
      expect(took.length).toBeGreaterThanOrEqual(Math.min(TIMES, ENOUGH))
      const [half, most] = [quantile(took, 0.5), quantile(took, 0.99)]
      rows.push(`| ${name} | ${took.length} | ${half} ms | ${most} ms | ${most <= 500 ? 'yes' : 'no'} | ${load()} |`)
      info.annotations.push({ type: 'figure', description: `${rows.at(-1) ?? ''} ${took.join(' ')}` })
      writeFileSync(info.outputPath('steps.txt'), how.join('\n'))
    }, undefined, noteWelcomes)
  })
}

test.afterAll(async () => {
  if (rows.length === KINDS.length) await writeDown('resume', ['| in the hole | times | median | p99 | goal of 500 ms met | load of the machine |', '|---|---|---|---|---|---|', ...rows])
})

test('sound does not stop when only the socket dies', async ({}, info) => {
  test.setTimeout(120_000)
  await meetInCage({}, 62, info, async ({ patient, desk }) => {
    const WATCHED_MS = 6_000
    const quiet = await longestSilence(desk.page)
    await patient.page.waitForTimeout(WATCHED_MS)
    const before = await quiet()
    const during = await longestSilence(desk.page)
    const said = (await welcomes(patient.page)).length
    await endSockets(patient.page)
    await expect.poll(async () => (await welcomes(patient.page)).length, { timeout: 20_000 }).toBeGreaterThan(said)
    await patient.page.waitForTimeout(WATCHED_MS)
    const after = await during()
    info.annotations.push({ type: 'figure', description: `the longest time without a packet of sound: ${before} ms before, ${after} ms while the socket died` })
    // The same call on the same machine is the measure: a gap of a mended path would be many times as long.
    expect(after).toBeLessThanOrEqual(Math.max(2 * before, before + 100))
    expect((await welcomes(patient.page)).at(-1)?.resumed).toBe(true)
  }, undefined, noteWelcomes)
})
