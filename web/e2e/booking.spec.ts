import type { Page } from '@playwright/test'
import { expect, test as atHome, usePage } from './support/test'
import { DESK, PHONE } from './support/browser'
import { sqlite } from './support/later'
import { expectAccessible, picture } from './support/look'
import { Patient } from './support/patient'
import { young } from './support/scene'
import { signIn } from './support/staff'
import { wordsOf } from './support/words'

const TCM = 'demo-tcm-clinic'

/** A patient whose telephone is in another zone than the hospital. */
const test = atHome.extend({
  patient: async ({ phones, server }, use, info) => {
    await usePage(phones, server.baseURL, { ...PHONE, timezoneId: 'Europe/Rome' }, info, 'patient', (page) => use(new Patient(page, wordsOf('zh'), server.link)))
  },
})

/** The date and the time there, and one's own. */
async function expectBothWalls(page: Page, say: Patient['say']): Promise<void> {
  const wall = (name: string) => page.locator('.wall').filter({ hasText: name })
  for (const name of [say('booking.wall.place', { city: 'Shanghai' }), say('booking.wall.own', { city: 'Rome' })]) {
    await expect(wall(name)).toHaveText(/\d{4}年\d+月\d+日.*\d\d:\d\d$/)
  }
}

test('a patient abroad books, moves and checks in by both walls, and the nurse sees it', async ({ server, patient: person, nurse, desktops }, info) => {
  test.setTimeout(180_000)
  const patient = new Patient(person.page, person.say, TCM)
  const { page, say } = patient
  const who = young('books an hour')
  await page.goto(`/v/${TCM}/book`)
  await patient.signIn(who.phone)
  await patient.identify(who)

  const of = (doctor: string) => page.getByRole('region', { name: doctor }).locator('.time:enabled')
  const times = of('演示医师甲')
  await expect(times.first()).toBeVisible()
  await expectAccessible(page, 'booking, the times')
  await expect(page.getByText(say('booking.zones', { place: 'Shanghai', own: 'Rome' }))).toBeVisible()
  await expect(times.first()).toHaveText(/^\d\d:\d\d.*\d\d:\d\d/)
  // Somebody takes the hour in the very moment: what is left stands in the middle of the screen, and the lost one is offered no more.
  await times.last().click()
  await expect(patient.button(say('booking.confirm'))).toBeInViewport()
  await page.route('**/api/v1/appointments', (route, asked) => {
    const { slot } = asked.postDataJSON() as { slot: string }
    sqlite(server, `update slot set taken = capacity where id = x'${slot.replaceAll('-', '')}';`)
    return route.continue()
  }, { times: 1 })
  await patient.button(say('booking.confirm')).click()
  const lost = page.getByTestId('taken')
  await expect(lost).toBeFocused()
  await expect(lost.getByRole('button')).toHaveCount(3)
  await expect(lost).toBeInViewport({ ratio: 1 })
  await expect(patient.button(say('booking.confirm'))).toBeHidden()
  await expectAccessible(page, 'booking, lost')
  await picture(page, 'booking-lost')
  await times.first().click()
  await picture(page, 'booking-times')
  await patient.button(say('booking.confirm')).click()
  await expect(patient.heading(say('booking.done'))).toBeVisible()
  await expectBothWalls(page, say)
  await picture(page, 'booking-done')

  await page.goto(`/me/${TCM}/appointments`)
  await expect(page.getByText(say('booking.state.booked'))).toBeVisible()
  await expectBothWalls(page, say)
  await expectAccessible(page, 'booking, mine')
  await patient.button(say('booking.move')).click()
  // The other doctor, in the same half hour: check-in is open for that as well.
  await of('演示医师乙').first().click()
  const yes = page.getByRole('button', { name: new RegExp(`^${say('booking.move.yes').split(' ')[0] ?? ''}`) })
  await expect(yes).toContainText(/\d\d:\d\d = Rome .*\d\d:\d\d/)
  await yes.click()
  await expect(patient.heading(say('booking.mine.title'))).toBeVisible()
  await expect(page.getByText('演示医师乙')).toBeVisible()
  const hour = /\d{1,2}:\d{2}/.exec((await page.getByRole('main').textContent()) ?? '')?.[0] ?? 'no hour'
  await picture(page, 'booking-mine')

  const board = nurse.page
  await board.getByTestId('clinic').selectOption({ index: 1 })
  await expect(board.getByTestId('booked')).toBeVisible()
  await board.getByTestId('booked').locator('summary').click()
  await expect(board.getByTestId('booked')).toContainText(say('booking.state.booked'))

  await page.getByRole('link', { name: say('booking.check_in') }).click()
  await patient.denyRedFlags()
  await patient.consent()
  await expect(page.getByText('演示医师乙')).toBeVisible()
  await patient.declare()
  await patient.readResult()
  await patient.passCheck()
  await patient.takeNumber()
  await expect(board.getByTestId('booked')).toContainText(say('booking.state.checked_in'))
  await picture(board, 'booking-nurse')

  // The doctor of the appointment, in the booked clinic: the mark and the hour stand in the row, and calling takes it.
  await usePage(desktops, server.baseURL, DESK, info, 'doctor', async (desk) => {
    const at = (id: string) => desk.getByTestId(id)
    await signIn(desk, server.account('doctor', 1))
    await at('choose-desk').last().click()
    const mark = at('queue-row').getByTestId('queue-booked')
    await expect(mark).toContainText(hour)
    await expect(mark.locator('svg')).toBeVisible()
    await at('queue-row').click()
    await expect(at('queue-booked-more')).toContainText('演示医师乙')
    await expectAccessible(desk, 'desk, a booked patient')
    await picture(desk, 'desk-booked')
    await at('call-next').click()
    await patient.expectCalled()
    await expect(at('ring')).toBeVisible()
  })
})
