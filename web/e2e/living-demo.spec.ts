import { expect, test } from './support/test'
import { expectFrames, shown } from './support/call'
import { Server } from './support/server'

test.use({ server: async ({}, use) => {
  const server = await Server.start({}, '127.0.0.1', ['--patients', '3'])
  await use(server)
  await server.stop()
} })

test('synthetic patients wait, say yes, and are seen to move, and after the end comes the next', async ({ desk }) => {
  test.setTimeout(180_000)
  await desk.openDesk()
  for (const visit of [1, 2]) {
    await expect(desk.page.getByTestId('call-next')).toBeEnabled({ timeout: 30_000 })
    await desk.callNext()
    await expect(desk.page.getByTestId('identity-name')).toHaveText(/^.某演示$/, { timeout: 30_000 })
    await desk.confirm()
    await expectFrames(desk.page)
    const first = await shown(desk.page)
    expect(first.size).toEqual([320, 240])
    await expect.poll(async () => (await shown(desk.page)).sum, { message: 'something in the picture moves' }).not.toBe(first.sum)
    if (visit === 1) await desk.page.screenshot({ path: test.info().outputPath('seen.png') })
    await desk.write({ complaint: '发热两天', diagnosis: '上呼吸道感染', advice: '多饮水' })
    await desk.chooseOutcome('home_care')
    await desk.sign()
    await desk.end()
  }
})
