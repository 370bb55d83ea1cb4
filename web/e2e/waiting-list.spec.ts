import { expect, test } from './support/test'
import { Api, declare } from './support/api'
import { messages, sqlite } from './support/later'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { Patient } from './support/patient'
import { young } from './support/scene'

const TCM = 'demo-tcm-clinic'
interface Slots {
  days: { day: string }[]
  slots: { id: string; free: number }[]
}

test('who finds no place joins the list, is offered one that is given back, and takes it or lets it go', async ({ server, patient: person }) => {
  test.setTimeout(180_000)
  const patient = new Patient(person.page, person.say, TCM)
  const { page, say } = patient
  // Somebody else has a place; every other one is taken.
  const first = await declare({ baseURL: server.baseURL, link: TCM }, young('was faster'))
  const other = new Api(server.baseURL, String(first.tokens['access_token']))
  // Not of today: a place that begins within half an hour is offered to nobody.
  const { days } = (await other.get(`/slots?link=${TCM}`)) as unknown as Slots
  const free = (await other.get(`/slots?link=${TCM}&day=${days[2]?.day ?? ''}`)) as unknown as Slots
  const slot = free.slots.filter((one) => one.free > 0).at(-1)
  const booked = await other.post('/appointments', { slot: slot?.id, patient: first.patient })
  sqlite(server, 'update slot set taken = capacity')
  const shown = "price_fen = 1250, complaints_phone = '010-12345', complaints_at_zh = '门诊楼1层', complaints_at_en = 'Floor 1'"
  sqlite(server, `update clinic set ${shown}`)

  await page.goto(`/v/${TCM}/book`)
  const who = young('waits for a place')
  await patient.signIn(who.phone)
  await patient.identify(who)
  await expect(page.getByText(say('booking.wish.lead'))).toBeVisible()
  await expect(page.getByTestId('price')).toContainText('12.50')
  await expect(page.getByTestId('complaints')).toContainText('010-12345')
  await expect(page.getByTestId('complaints')).toContainText(/门诊楼1层|Floor 1/)
  await expectAccessible(page, 'booking, full')
  await picture(page, 'wish-full')
  // Not for the first day; the last one is left as it is.
  await page.getByLabel(say('booking.wish.first')).selectOption({ index: 1 })
  await expect(page.getByLabel(say('booking.wish.last')).locator('option')).toHaveCount(days.length - 1)
  await page.getByTestId('wish-make').click()
  await expect(page.getByTestId('wish-waiting')).toContainText(String(days[1]?.day))
  await picture(page, 'wish-waiting')

  const given = async (id: unknown, version: unknown) => other.post(`/appointments/${String(id)}/cancel`, { version })
  await given(booked['id'], booked['version'])
  // Nobody reloads: the notice comes by itself, and as a text message for whoever looks elsewhere.
  await expect(page.getByTestId('wish-offer')).toBeVisible()
  await expectAccessible(page, 'booking, an offer')
  await expectNoSidewaysScroll(page, 'booking, an offer')
  await picture(page, 'wish-offer')
  await expect.poll(async () => (await messages(server, 'offer')).length).toBe(1)
  await page.getByTestId('wish-take').click()
  await expect(patient.heading(say('booking.done'))).toBeVisible()

  // In a calendar that follows: an address that says when and at which hospital.
  await page.goto(`/me/${TCM}/appointments`)
  await page.getByTestId('follow').click()
  const address = page.getByTestId('calendar-link').locator('input')
  await expect(address).toHaveValue(/\/api\/v1\/calendar\/[\w-]{40,}$/)
  await expect(page.getByTestId('calendar-link').getByRole('link')).toHaveAttribute('href', /^webcal:/)
  await expectAccessible(page, 'booking, a calendar that follows')
  await expectNoSidewaysScroll(page, 'booking, a calendar that follows')
  await picture(page, 'calendar-link')
  const url = await address.inputValue()
  expect((await (await fetch(url)).text()).replaceAll('\r\n ', '')).toContain('演示省中医院')
  await patient.button(say('booking.cancel')).click()
  await page.getByRole('dialog').getByRole('button', { name: say('booking.cancel.yes') }).click()
  await expect(page.getByText(say('booking.state.cancelled'))).toBeVisible()
  expect((await fetch(url)).status, 'given back, it is revoked').toBe(404)

  // The next offer is let go, and goes to everybody.
  await page.goto(`/v/${TCM}/book`)
  await page.getByTestId('wish-make').click()
  await expect(page.getByTestId('wish-waiting').or(page.getByTestId('wish-offer'))).toBeVisible()
  const again = await other.post('/appointments', { slot: slot?.id, patient: first.patient })
  await given(again['id'], again['version'])
  await expect(page.getByTestId('wish-offer')).toBeVisible()
  await page.getByTestId('wish-leave').click()
  await page.getByTestId('wish-leave-yes').click()
  await expect(page.getByTestId('wish')).toBeVisible()
  await expect(page.locator('.time:enabled')).toHaveCount(1)
  await picture(page, 'wish-let-go')
})
