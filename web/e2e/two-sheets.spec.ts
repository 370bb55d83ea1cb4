import { expect, test } from './support/test'
import { Api } from './support/api'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Voice } from './support/scene'

test('what is written on a prescription stays on it, and another window’s is asked about', async ({ server, desk }) => {
  test.setTimeout(120_000)
  const { page } = desk
  const at = (id: string) => page.getByTestId(id)
  const patient = await Voice.arrives(server, 'two sheets')
  await desk.see(patient)
  await at('tab-rx').click()
  await at('rx-kind-return').click()
  const [read] = await Promise.all([page.waitForRequest((one) => one.url().endsWith('/basis')), at('rx-proof').check()])
  const visit = /visits\/([^/]+)\/basis/.exec(read.url())?.[1] ?? ''
  const elsewhere = await Api.staff(server.baseURL, server.account('doctor'))
  interface Line { written: string; mg: number }
  interface Kept { id: string; version: number; content: { herbal: { lines: Line[] } } }
  const kept = async () => (await elsewhere.get(`/visits/${visit}/prescriptions`))['prescriptions'] as unknown as Kept[]
  const said = async () => (await kept()).map((one) => one.content.herbal.lines.map((line) => `${line.written} ${line.mg}`).join())
  const saved = () => expect(at('rx-save')).toHaveAttribute('data-state', 'saved')
  for (const [n, herb] of ['桂枝', '白芍'].entries()) {
    await at('rx-new-herbal').click()
    await expect(at('rx-chip')).toHaveCount(n + 1)
    await at('rx-add').click()
    await at('rx-herb').fill(herb)
    await page.keyboard.press('Escape')
    // A new line holds no grams until somebody chose them, and is on no sheet before.
    await expect(at('rx-grams')).toHaveValue('')
    await at('rx-grams').fill('9')
    await saved()
  }
  expect(await said()).toEqual(['桂枝 9000', '白芍 9000'])

  // A save of the second is slow; it is typed on, and the first is opened.
  let go: (() => void) | null = null
  await page.route('**/prescriptions/*', async (route) => {
    await new Promise<void>((resolve) => (go = resolve))
    await route.continue()
  }, { times: 1 })
  await at('rx-grams').fill('6')
  await expect.poll(() => go !== null).toBe(true)
  await at('rx-grams').fill('12')
  await at('rx-chip').first().click()
  await expect(at('rx-herb')).toHaveValue('桂枝')
  ;(go as (() => void) | null)?.()
  await expect.poll(said).toEqual(['桂枝 9000', '白芍 12000'])
  await expect(at('rx-grams')).toHaveValue('9')

  // The network is away: what was typed stays on its own sheet, says so, and goes out by itself.
  await page.route('**/prescriptions/*', (route) => route.abort())
  await at('rx-grams').fill('10')
  await expect(at('rx-save')).toHaveAttribute('data-state', 'failed')
  await at('rx-chip').last().click()
  await expect(at('rx-grams')).toHaveValue('12')
  await page.unroute('**/prescriptions/*')
  await expect.poll(said, { timeout: 20_000 }).toEqual(['桂枝 10000', '白芍 12000'])

  // The same doctor in another window saves the sheet that is written here.
  const [, second] = await kept()
  if (!second) throw new Error('there are two')
  await at('rx-grams').fill('15')
  const lines = [...second.content.herbal.lines.map((line) => ({ ...line, mg: 20_000 })), { written: '甘草', mg: 6000 }]
  await elsewhere.put(`/prescriptions/${second.id}`, { version: second.version, content: { herbal: { ...second.content.herbal, lines } } })
  await expect(at('conflict')).toBeVisible()
  await expect(at('conflict-rx')).toContainText('白芍 15 g')
  await expect(at('conflict-rx')).toContainText('白芍 20 g')
  await expect(at('conflict-rx')).toContainText('甘草 6 g')
  await expectAccessible(page, 'desk, a prescription in conflict')
  await expectNoSidewaysScroll(page, 'desk, a prescription in conflict')
  await picture(page, 'desk-rx-conflict')
  await expect(at('conflict-yes')).toHaveAttribute('aria-disabled', 'true')
  await at('mine-rx').check()
  await at('conflict-yes').click()
  await expect(at('conflict')).toBeHidden()
  await saved()
  await expect.poll(said).toEqual(['桂枝 10000', '白芍 15000'])
})
