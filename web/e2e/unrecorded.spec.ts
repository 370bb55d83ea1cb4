import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test as base } from './support/test'
import { expectCall } from './support/call'
import { expectAccessible, picture } from './support/look'
import { invent } from './support/people'
import { meet } from './support/room'
import { Server } from './support/server'

const test = base.extend<{ server: Server }>({
  // No disk has so much, so every disk has too little.
  server: async ({}, use) => {
    const server = await Server.start({ YUNZHEN_RECORDINGS_FLOOR_MIB: '1000000000' })
    await use(server)
    await server.stop()
  },
})

test('where nothing can be recorded the call goes on without the mark, and the doctor’s list says that nothing was kept', async ({ server, patient, desk }) => {
  test.setTimeout(120_000)
  const binary = process.env['YUNZHEN_BIN'] ?? fileURLToPath(new URL('../../target/debug/yunzhen', import.meta.url))
  const env = { YUNZHEN_DATA_DIR: server.dataDir, YUNZHEN_PUBLIC_URL: 'https://clinic.example', YUNZHEN_MEDIA_ANNOUNCE: '127.0.0.1:9' }
  execFileSync(binary, ['record', 'fever', 'with-consent'], { env })
  await desk.page.reload()
  await meet(server, patient, desk, invent('cannot be recorded'))
  for (const page of [patient.page, desk.page]) {
    await expect(page.locator('[data-recording="true"]')).toHaveCount(0, { timeout: 15_000 })
  }
  await expectCall(patient.page, desk.page)
  await desk.write({ complaint: '咳嗽', diagnosis: '急性支气管炎', advice: '休息' })
  await desk.chooseOutcome('follow_up')
  await desk.sign()
  await desk.end()

  const { page } = desk
  const rows = page.getByTestId('recording-row').filter({ hasText: patient.say('recordings.empty') })
  await expect(async () => {
    await page.getByTestId('desk-more').click()
    await page.getByTestId('recordings').click()
    await expect(rows).toHaveCount(2, { timeout: 1000 }).catch(async (cause: unknown) => {
      await page.keyboard.press('Escape')
      throw cause
    })
  }).toPass({ timeout: 20_000 })
  await expect(page.getByTestId('recording-play')).toHaveCount(0)
  await expectAccessible(page, 'recordings of which nothing was kept')
  await picture(page, 'desk-recordings-empty')
})
