import { longestSilence, meetInCage } from './support/caged'
import { usedPath } from './support/call'
import { load, quantile, writeDown } from './support/networks'
import { expect, test } from './support/test'

const ALL = process.env['YUNZHEN_CAGES'] === 'all'
const CHANGES = Number(process.env['YUNZHEN_CHANGES'] ?? 20)
/** A telephone that leaves the house has both for some seconds. */
const OVERLAP_MS = 3_000
const GOAL_MS = 1_000

const rows: string[] = []

for (const [at, { name, overlap }] of [{ name: 'the other network comes before the first goes', overlap: OVERLAP_MS }, { name: 'the first network goes before the other comes', overlap: 0 }].entries()) {
  test(`a call goes on through one change of network after another: ${name}`, async ({}, info) => {
    test.skip(!ALL, 'minutes long: npm run cages -- --all')
    test.setTimeout(900_000)
    await meetInCage({ second: true }, 51 + at, info, async ({ net, patient, desk }) => {
      const gaps: number[] = []
      for (let change = 0; change < CHANGES; change += 1) {
        // Long enough for the path to be steady, and for the browser to have told its pages of the last change.
        await patient.page.waitForTimeout(5_500)
        const [atDoctor, atPatient] = [await longestSilence(desk.page), await longestSilence(patient.page)]
        const next = await net.move(overlap)
        await expect.poll(async () => (await usedPath(patient.page)).address, { timeout: 30_000 }).toMatch(next)
        await patient.page.waitForTimeout(1_500)
        gaps.push(Math.max(await atDoctor(), await atPatient()))
      }
      // A Chromium on Linux tells of its first network of all a second later than of the next.
      const [half, first, most] = [quantile(gaps, 0.5), gaps[0] ?? NaN, quantile(gaps.slice(1), 0.99)]
      const met = most > GOAL_MS ? 'no' : first > GOAL_MS ? 'but for the first' : 'yes'
      rows.push(`| ${name} | ${gaps.length} | ${half} ms | ${first} ms | ${most} ms | ${met} | ${load()} |`)
      info.annotations.push({ type: 'figure', description: `${rows.at(-1) ?? ''} ${gaps.join(' ')}` })
      // What a machine under load adds is not what is proved here: the call goes on, and the table says how soon.
      expect(half).toBeLessThan(5_000)
    })
  })
}

test.afterAll(async () => {
  if (rows.length === 2) await writeDown('change', ['| at the change | changes | median gap | the first | p99 of the others | goal of 1 s met | load of the machine |', '|---|---|---|---|---|---|---|', ...rows])
})
