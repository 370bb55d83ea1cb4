import type { Page } from '@playwright/test'
import { hasFirefox } from './support/browser'
import { meetInCage, type Meeting } from './support/caged'
import { expectFrames, expectSound } from './support/call'
import { picture } from './support/look'
import { writeDown } from './support/networks'
import { expect, test } from './support/test'

const ALL = process.env['YUNZHEN_CAGES'] === 'all'
const WITHIN_MS = 3_500

const rows: string[] = []

/** Notes each word of what does not arrive, with the moment by the page's clock. */
function noteMissed(page: Page): Promise<void> {
  return page.evaluate(() => {
    const noted: { at: number; text: string }[] = []
    Object.assign(window, { __missed: noted })
    const look = (): void => {
      const text = document.querySelector('[data-testid="missed"]')?.textContent?.trim() ?? ''
      if (text !== (noted.at(-1)?.text ?? '')) noted.push({ at: Date.now(), text })
    }
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true })
    look()
  })
}

const missed = (page: Page): Promise<{ at: number; text: string }[]> =>
  page.evaluate(() => (window as unknown as { __missed: { at: number; text: string }[] }).__missed)

/** One browser is deaf for a while; what both read of it, and when. */
async function deaf(name: string, { patient, desk }: Meeting, who: 'patient' | 'doctor', deafen: (isDeaf: boolean) => Promise<void>): Promise<void> {
  const [own, other] = who === 'patient' ? [patient, desk] : [desk, patient]
  const sides = [
    { who: 'whoever is deaf', page: own.page, sound: own.say('stage.missed.other.microphone') },
    { who: 'the other side', page: other.page, sound: other.say('stage.missed.own.microphone').slice(0, 10) },
  ]
  for (const { page } of sides) await noteMissed(page)
  // So long nothing is amiss: what is told below is told because of what happens there.
  await patient.page.waitForTimeout(2_000)
  for (const { page } of sides) expect(await missed(page)).toEqual([])

  const began = Date.now()
  await deafen(true)
  for (const { page, sound } of sides) await expect(page.getByTestId('missed')).toContainText(sound, { timeout: 15_000 })
  const after: number[] = []
  for (const { page, who, sound } of sides) {
    const words = await missed(page)
    after.push((words.find(({ text }) => text.includes(sound))?.at ?? NaN) - began)
    test.info().annotations.push({ type: 'figure', description: `${name}: ${who} read ${words.map(({ at, text }) => `after ${at - began} ms ${text}`).join(', ')}` })
  }
  await picture(patient.page, `deaf-${who}-seen-by-patient`)
  await picture(desk.page, `deaf-${who}-seen-by-doctor`)
  // Nothing else is broken.
  await expectSound(other.page)

  await deafen(false)
  const mended = Date.now()
  for (const { page } of sides) await expect(page.getByTestId('missed')).toHaveCount(0, { timeout: 15_000 })
  const gone = Date.now() - mended
  await Promise.all([expectSound(own.page), expectFrames(own.page), expectFrames(other.page)])
  for (const { page } of sides) await expect(page.getByTestId('missed')).toHaveCount(0)
  rows.push(`| ${name} | ${after[0] ?? NaN} ms | ${after[1] ?? NaN} ms | ${gone} ms |`)
  test.info().annotations.push({ type: 'figure', description: `${name}: both words were gone ${gone} ms after the end of it` })
  expect(Math.max(...after)).toBeLessThanOrEqual(WITHIN_MS)
}

/** A browser that says of no packet of sound whether it came: as some do, and this one where the server does not read that it would. */
async function numbersNoSound(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const send = Reflect.get(WebSocket.prototype, 'send')
    WebSocket.prototype.send = function (data) {
      const said = JSON.parse(String(data)) as { type: string; sdp?: string }
      if (said.type === 'offer' && said.sdp) {
        const strip = (section: string): string => section.replace(/^a=(extmap:\d+ \S*transport-wide-cc\S*|rtcp-fb:\d+ transport-cc)\r?\n/gm, '')
        said.sdp = said.sdp.split(/(?=^m=)/m).map((section) => (section.startsWith('m=audio') ? strip(section) : section)).join('')
      }
      send.call(this, JSON.stringify(said))
    }
  })
}

test('what does not reach a browser whose own media comes is told to both sides within 3.5 s, and no longer when it does', async ({}, info) => {
  test.setTimeout(180_000)
  await meetInCage({}, 71, info, async (meeting) => {
    await deaf('Chromium', meeting, 'patient', (isDeaf) => meeting.net.deafen(isDeaf))
    await deaf('Chromium that speaks of no packet of sound', meeting, 'doctor', async (isDeaf) => meeting.far?.deafen(isDeaf))
  }, {}, (page, who) => (who === 'doctor' ? numbersNoSound(page) : Promise.resolve()))
})

/** The ports by which a page hears. */
function ports(page: Page): Promise<number[]> {
  return page.evaluate(async () => {
    const all = (window as unknown as { __connections: RTCPeerConnection[] }).__connections
    const report = await all.filter((one) => one.connectionState === 'connected').at(-1)?.getStats()
    const found = new Set<number>()
    report?.forEach((one: Record<string, unknown>) => {
      if (one['type'] === 'local-candidate' && one['protocol'] === 'udp') found.add(Number(one['port']))
    })
    return [...found]
  })
}

test('the same is told of a Firefox', async ({}, info) => {
  test.skip(!ALL || !hasFirefox(), 'Firefox takes its time to begin: npm run cages -- --all')
  test.setTimeout(180_000)
  await meetInCage({}, 72, info, async (meeting) => {
    const doctors = await ports(meeting.desk.page)
    await deaf('Firefox', meeting, 'patient', (isDeaf) => meeting.net.deafenOutside(isDeaf, doctors))
  }, undefined, undefined, 'firefox')
})

test.afterAll(async () => {
  if (rows.length === 3) await writeDown('deaf', ['| the browser that is deaf | its person read it after | the other side after | gone after |', '|---|---|---|---|', ...rows])
})
