import { writeFileSync } from 'node:fs'
import { meetInCage, watchGaps, type Gaps } from './support/caged'
import { endSockets, firstHeardAfter, lastHeard, noteSockets, steps, welcomes } from './support/sockets'
import { load, quantile, writeDown } from './support/networks'
import { expect, test } from './support/test'

const ALL = process.env['YUNZHEN_CAGES'] === 'all'
const TIMES = Number(process.env['YUNZHEN_RESUMES'] ?? 30)
/** Thirty of each take nearly four minutes of waiting alone, and more where programs are built beside them: then fewer are measured. */
const WITHIN_MS = 480_000
const ENOUGH = 10

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
    }, undefined, noteSockets)
  })
}

test.afterAll(async () => {
  if (rows.length === KINDS.length) await writeDown('resume', ['| in the hole | times | median | p99 | goal of 500 ms met | load of the machine |', '|---|---|---|---|---|---|', ...rows])
})

/** A picture that stood for longer is seen to stand. */
const STANDS_MS = 400

// Nor does the picture, on either side.
test('sound does not stop when only the socket dies', async ({}, info) => {
  test.setTimeout(120_000)
  await meetInCage({}, 62, info, async ({ patient, desk }) => {
    const WATCHED_MS = 6_000
    const pages = [patient.page, desk.page]
    const watch = (): Promise<(() => Promise<Gaps>)[]> => Promise.all(pages.map(watchGaps))
    const told = (gaps: (() => Promise<Gaps>)[]): Promise<Gaps[]> => Promise.all(gaps.map((one) => one()))
    const quiet = await watch()
    await patient.page.waitForTimeout(WATCHED_MS)
    const before = await told(quiet)
    const during = await watch()
    const said = await Promise.all(pages.map(async (page) => (await welcomes(page)).length))
    await Promise.all(pages.map(endSockets))
    for (const [at, page] of pages.entries()) {
      await expect.poll(async () => (await welcomes(page)).length, { timeout: 20_000 }).toBeGreaterThan(said[at] ?? 0)
    }
    await patient.page.waitForTimeout(WATCHED_MS)
    const after = await told(during)
    for (const [at, who] of ['the patient', 'the doctor'].entries()) {
      const [usual, gap] = [before[at], after[at]]
      if (!usual || !gap) throw new Error('two pages were watched')
      info.annotations.push({ type: 'figure', description: `the longest time without a packet at ${who}: of sound ${gap.audio} ms (${usual.audio} before), of the picture ${gap.video} ms (${usual.video} before), without another picture ${gap.pictures} ms (${usual.pictures} before); ${gap.received.audio} and ${gap.received.video} packets came, ${gap.lost} were lost` })
      expect(gap.lost, `${who}: packets of either`).toBe(0)
      expect(usual.lost, `${who}: nor before`).toBe(0)
      // Fifty packets of sound a second, and of pictures more than one for each: what was watched is a call.
      const least = (WATCHED_MS / 1000) * 40
      expect(gap.received.audio).toBeGreaterThanOrEqual(least)
      expect(gap.received.video).toBeGreaterThanOrEqual(least / 4)
      expect(gap.pictures, `${who}: between two pictures`).toBeLessThanOrEqual(Math.max(STANDS_MS, 2 * usual.pictures))
      // The same call on the same machine is the measure: a gap of a mended path would be many times as long.
      for (const kind of ['audio', 'video'] as const) expect(gap[kind], kind).toBeLessThanOrEqual(Math.max(2 * usual[kind], usual[kind] + 100))
    }
    for (const page of pages) expect((await welcomes(page)).at(-1)?.resumed).toBe(true)
  }, undefined, noteSockets)
})
