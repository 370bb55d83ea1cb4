import type { Page } from '@playwright/test'
import { expect, test } from './support/test'
import { expectCall, received } from './support/call'
import { invent } from './support/people'
import { picture } from './support/look'

/** When frames come over another connection than the one that had received `before`. */
async function cameBack(page: Page, connections: number): Promise<number> {
  const made = (): Promise<number> => page.evaluate(() => (window as unknown as { __connections: unknown[] }).__connections.length)
  await expect.poll(made, { intervals: [50], timeout: 30_000 }).toBeGreaterThan(connections)
  await expect.poll(async () => (await received(page)).frames, { intervals: [50], timeout: 30_000 }).toBeGreaterThan(0)
  return Date.now()
}

test('a server that is restarted says so, and the call is back within three seconds of it', async ({ server, patient, desk }, info) => {
  await patient.appear(server, invent('in the call at night'))
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectCall(patient.page, desk.page)
  const pages = [patient.page, desk.page]
  const made = await Promise.all(pages.map((page) => page.evaluate(() => (window as unknown as { __connections: unknown[] }).__connections.length)))

  const back: number[] = []
  // Down for a moment, and for as long as a slow machine takes.
  for (const [round, away] of [0, 8_000].entries()) {
    await server.terminate()
    for (const page of pages) await expect(page.getByTestId('call-banners')).toContainText(patient.say('stage.restarting'), { timeout: 3_000 })
    if (round === 0) await picture(patient.page, 'restarting')
    await patient.page.waitForTimeout(away)
    const [, ...times] = await Promise.all([server.restart(), ...pages.map((page, at) => cameBack(page, made[at] ?? 0))])
    back.push(...times.map((at) => at - server.readyAt))
    info.annotations.push({ type: 'figure', description: `away ${away} ms: pictures again ${times.map((at) => at - server.readyAt).join(' and ')} ms after the server was ready` })
    for (const [at, page] of pages.entries()) made[at] = await page.evaluate(() => (window as unknown as { __connections: unknown[] }).__connections.length)
    await expectCall(patient.page, desk.page)
    for (const page of pages) await expect(page.getByTestId('reconnecting')).toHaveCount(0)
  }
  expect(Math.max(...back)).toBeLessThanOrEqual(3_000)
})
