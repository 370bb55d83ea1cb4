import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { arrive } from './support/api'
import { fallAsleep } from './support/asleep'
import { expectCall } from './support/call'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'
import { countRings, ringsOf } from './support/rings'
import { expect, test } from './support/test'
import { socketLine } from './support/sockets'

// The last file of all: one after the other they would go on alone when the rest is done.
test.describe.configure({ mode: 'parallel' })

test('the waiting room says who is before one, how long it may take or that nobody knows, and lets one leave', async ({ server, patient, another, desk, nurse }) => {
  await arrive(server, invent('comes first'))
  await patient.appear(server, invent('comes second'))
  await another.appear(server, invent('comes third'))
  const say = another.say
  const desks = another.page.locator('.facts dd').first()
  await expect(another.heading(say('wait.ahead', { n: 2 }))).toBeVisible()
  await expect(another.page.getByText(say('wait.estimate.unknown.no_desk'))).toBeVisible()
  await expect(desks).toHaveText(say('wait.desks.value', { n: 0 }))
  await expect(another.page.getByText(say('wait.last_call.none'))).toBeVisible()

  await desk.openDesk()
  await expect(desks).toHaveText(say('wait.desks.value', { n: 1 }))
  await desk.callNext()
  await expect(another.heading(say('wait.ahead', { n: 1 }))).toBeVisible()
  await expect(another.page.getByText(say('wait.last_call.now'))).toBeVisible()
  await expect(another.page.locator('.range')).toHaveText(/\d+–\d+/)
  await expect(patient.heading(say('wait.ahead.none'))).toBeVisible()

  await patient.button(say('wait.leave')).click()
  await expect(patient.page.getByRole('dialog')).toBeVisible()
  await expectAccessible(patient.page, 'the question before leaving')
  await patient.button(say('wait.leave.yes')).click()
  await expect(patient.heading(say('ended.left.title'))).toBeVisible()
  await expectAccessible(patient.page, 'left')
  await expectNoSidewaysScroll(patient.page, 'left')
  await expect(another.heading(say('wait.ahead.none'))).toBeVisible()
  await expect(nurse.page.getByTestId('ticket-card')).toHaveCount(1)
  await desk.skip()
  await desk.callNext()
  await another.expectCalled()
})

test('a nurse writes to one and to all who wait, and her call rings like a doctor’s', async ({ server, patient, another, nurse }) => {
  test.setTimeout(180_000)
  await countRings(patient.page)
  await patient.appear(server, invent('is called by a nurse'))
  await another.appear(server, invent('waits beside'))
  const board = nurse.page
  const said = (words: string) => patient.page.getByTestId('notice').filter({ hasText: words })

  await board.getByTestId('tell-all').click()
  await board.locator('#notice-text').fill('医生十分钟后回来')
  await expectAccessible(board, 'a message to all')
  await board.getByTestId('notice-send').click()
  await expect(said('医生十分钟后回来')).toBeVisible()
  await expect(another.page.getByTestId('notice')).toHaveText(/医生十分钟后回来/)
  await board.getByTestId('ticket-card').first().getByTestId('tell').click()
  await board.locator('#notice-text').fill('请把化验单放在手边')
  await picture(board, 'nurse-message')
  await board.getByTestId('notice-send').click()
  await expect(said('请把化验单放在手边')).toBeVisible()
  await expect(another.page.getByTestId('notice')).toHaveCount(1)
  await patient.page.reload()
  await patient.expectWaiting()
  await expect(patient.page.getByTestId('notice')).toHaveCount(2)
  await expectAccessible(patient.page, 'waiting with messages')
  await picture(patient.page, 'patient-waiting-messages')

  // One tap, so that the page may make a sound.
  await patient.button(patient.say('wait.sound')).click()
  const quiet = await ringsOf(patient.page)
  await board.getByTestId('ticket-card').first().getByTestId('nurse-call').click()
  const ring = patient.page.getByTestId('nurse-ring')
  await expect(ring).toBeInViewport()
  await expect.poll(async () => (await ringsOf(patient.page)).tones).toBeGreaterThan(quiet.tones + 4)
  expect((await ringsOf(patient.page)).shakes).toBeGreaterThan(quiet.shakes)
  await expect.poll(() => patient.page.title()).toContain(patient.say('wait.nurse_call'))
  const answer = patient.button(patient.say('wait.nurse_call.answer'))
  expect((await answer.boundingBox())?.height).toBeGreaterThanOrEqual(60)
  await expectAccessible(patient.page, 'a nurse calls')
  await expectNoSidewaysScroll(patient.page, 'a nurse calls')
  await picture(patient.page, 'patient-nurse-ring')
  await answer.click()
  await expectCall(patient.page, board)
  await expectAccessible(patient.page, 'with the nurse')

  // Left for a moment: it may be answered again, and does not ring.
  await patient.page.getByTestId('control-hang-up').click()
  await expect(patient.page.getByRole('dialog')).toBeVisible()
  await expectAccessible(patient.page, 'the question before hanging up')
  await patient.page.getByRole('dialog').getByRole('button', { name: patient.say('stage.hang_up.yes') }).click()
  await patient.expectWaiting()
  await expect(ring).toBeHidden()
  await expect(answer).toBeVisible()
})

test('a telephone that slept through its call gets a text message, keeps its number, and is told the truth', async ({ server, patient, another, desk }) => {
  // A phone that sleeps says nothing: its socket dies and no other is opened.
  const sockets = await socketLine(patient.page)
  await patient.appear(server, invent('sleeps'))
  await another.appear(server, invent('stays awake'))
  const number = await patient.number()
  await desk.openDesk()
  await patient.page.context().setOffline(true)
  await sockets.cut()
  await desk.callNext()
  // The page answers no more, so the server finds it gone and sends a message.
  const texts = async () => (await readFile(path.join(server.dataDir, 'outbox.jsonl'), 'utf8')).split('\n').filter((line) => line.includes('"called"'))
  await expect.poll(async () => (await texts()).length, { timeout: 40_000 }).toBe(1)
  const [text = ''] = await texts()
  expect(text).toContain(`/v/${patient.link}`)
  expect(text).not.toContain('演示患者')
  await desk.skip()
  await desk.callNext()
  await another.expectCalled()

  sockets.mend()
  await patient.page.context().setOffline(false)
  await expect(patient.page.getByText(/刚才没有接听/)).toBeVisible()
  await expect(patient.page.getByText(patient.say('wait.lost'))).toBeHidden({ timeout: 5_000 })
  expect(await patient.number()).toBe(number)
  await patient.page.reload()
  await expect(patient.page.getByText(/刚才没有接听/)).toBeVisible()
  await expect(patient.page.getByText(patient.say('wait.lock'))).toBeVisible()
})

test('a phone that is locked and put away keeps its place, and shows the truth when it is taken up again', async ({ server, phones, patient, another, nurse, desk }) => {
  test.setTimeout(180_000)
  await another.appear(server, invent('is before the sleeper'))
  await patient.appear(server, invent('locks the screen'))
  await another.page.close()
  const number = await patient.number()
  const card = nurse.page.getByTestId('ticket-card').filter({ has: nurse.page.getByRole('heading', { name: number, exact: true }) })
  await expect(card).toBeVisible()
  const gone = card.getByText(nurse.say('queue.offline'))
  // The board reads anew, every half minute at least, who is there.
  await expect(gone).toBeHidden({ timeout: 40_000 })
  await desk.openDesk()

  const wake = await fallAsleep(phones)
  try {
    await expect(gone).toBeVisible({ timeout: 40_000 })
    // The one before is called and is not there; who sleeps keeps the place, and becomes the first.
    await desk.callNext()
    await desk.skip()
  } finally {
    wake()
  }
  await patient.expectWaiting()
  await expect(patient.page.getByText(patient.say('wait.lost'))).toBeHidden({ timeout: 5_000 })
  expect(await patient.number()).toBe(number)
  await expect(patient.heading(patient.say('wait.ahead.none'))).toBeVisible()
  await expect(gone).toBeHidden({ timeout: 40_000 })
  await desk.callNext()
  await patient.expectCalled()
})

test('a red flag that nobody has yet outlives a reload and arrives once', async ({ patient, nurse }) => {
  await patient.page.route('**/api/v1/red-flags', (route) => route.abort())
  await patient.open()
  await patient.start()
  await patient.admitRedFlag()
  await expect(patient.page.getByText(patient.say('emergency.line.failed'))).toBeVisible()
  await patient.page.reload()
  await expect(patient.heading(patient.say('emergency.title'))).toBeVisible()
  await expect(patient.page.getByText(patient.say('emergency.line.failed'))).toBeVisible()
  await patient.page.unroute('**/api/v1/red-flags')
  await expect(patient.page.getByText(patient.say('emergency.line.alarmed'))).toBeVisible()
  await nurse.expectAlarm()
  await expect(nurse.page.getByTestId('emergency')).toHaveCount(1)
})

test('after a quarter of an hour the three questions come by themselves, and again after the next', async ({ server, patient }) => {
  const { page } = patient
  await page.clock.install()
  await patient.appear(server, invent('is asked again'))
  const dialog = page.getByRole('dialog')
  // A word of the server that arrives in the middle of the leap sets the page's time right again, as it should: then the leap is made once more.
  const aQuarterLater = () => expect(async () => {
    await page.clock.fastForward('15:01')
    await expect(dialog).toBeVisible({ timeout: 3_000 })
  }).toPass({ timeout: 30_000 })
  await expect(dialog).toBeHidden()
  await aQuarterLater()
  await dialog.locator('#breathing-same').check()
  await dialog.locator('#general-same').check()
  await patient.button(patient.say('retriage.send')).click()
  await expect(dialog).toBeHidden()
  // The page's clock ticks once a second; what is due is known at its next tick.
  await page.clock.runFor(2_000)
  await aQuarterLater()
})
