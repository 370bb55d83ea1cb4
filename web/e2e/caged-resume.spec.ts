import type { Page } from '@playwright/test'
import { longestSilence, meetInCage } from './support/caged'
import { quantile, writeDown } from './support/networks'
import { expect, test } from './support/test'

const ALL = process.env['YUNZHEN_CAGES'] === 'all'
const TIMES = Number(process.env['YUNZHEN_RESUMES'] ?? 50)
/** Fifty take nearly seven minutes of waiting alone, and twice that where programs are built beside them: then fewer are measured. */
const WITHIN_MS = 480_000
const ENOUGH = 10

/** Notes when the server welcomed this page, and whether to its old seat. */
async function noteWelcomes(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const welcomes: { at: number; resumed: boolean }[] = []
    const sockets: WebSocket[] = []
    Object.assign(window, { __welcomes: welcomes, __sockets: sockets })
    const Native = window.WebSocket
    window.WebSocket = class extends Native {
      constructor(...words: ConstructorParameters<typeof WebSocket>) {
        super(...words)
        sockets.push(this)
        this.addEventListener('message', ({ data }) => {
          const said = JSON.parse(String(data)) as { type: string; resumed?: boolean }
          if (said.type === 'welcome') welcomes.push({ at: Date.now(), resumed: said.resumed === true })
        })
      }
    }
  })
}

const endSockets = (page: Page): Promise<void> => page.evaluate(() => (window as unknown as { __sockets: WebSocket[] }).__sockets.forEach((one) => one.close()))

const welcomes = (page: Page): Promise<{ at: number; resumed: boolean }[]> =>
  page.evaluate(() => (window as unknown as { __welcomes: { at: number; resumed: boolean }[] }).__welcomes)

test('a page that lost its network is in its seat again as soon as the network is back', async ({}, info) => {
  test.skip(!ALL, 'minutes long: npm run cages -- --all')
  test.setTimeout(WITHIN_MS + 240_000)
  await meetInCage({}, 61, info, async ({ net, patient }) => {
    const took: number[] = []
    const until = Date.now() + WITHIN_MS
    for (let time = 0; time < TIMES && Date.now() < until; time += 1) {
      await patient.page.waitForTimeout(4_200)
      const before = (await welcomes(patient.page)).length
      await net.hole(true)
      // TCP hears of the hole when something is said: the goodbye of a socket that nobody answers.
      await endSockets(patient.page)
      // From a second to four: every place in the delays between two attempts.
      await patient.page.waitForTimeout(1_000 + (time % 10) * 330)
      await net.hole(false)
      const back = Date.now()
      await expect.poll(async () => (await welcomes(patient.page)).length, { timeout: 20_000, intervals: [50] }).toBeGreaterThan(before)
      const welcome = (await welcomes(patient.page))[before]
      if (!welcome) throw new Error('no welcome')
      expect(welcome.resumed).toBe(true)
      took.push(Math.max(0, welcome.at - back))
    }
    expect(took.length).toBeGreaterThanOrEqual(Math.min(TIMES, ENOUGH))
    const [half, most] = [quantile(took, 0.5), quantile(took, 0.99)]
    const row = `| ${took.length} | ${half} ms | ${most} ms | ${most <= 500 ? 'yes' : 'no'} |`
    info.annotations.push({ type: 'figure', description: `${row} ${took.join(' ')}` })
    await writeDown('resume', ['| times | median | p99 | goal of 500 ms met |', '|---|---|---|---|', row])
  }, undefined, noteWelcomes)
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
