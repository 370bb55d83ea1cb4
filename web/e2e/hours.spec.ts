import { expect, test, usePage } from './support/test'
import { DESK } from './support/browser'
import { expectAccessible, expectBarFits, expectNoSidewaysScroll, picture } from './support/look'
import { Patient } from './support/patient'
import { young } from './support/scene'
import { signIn } from './support/staff'

const TCM = 'demo-tcm-clinic'
const DOCTOR = '演示医师乙'

test('an administrator sees hours before they are made, and a patient books one of them', async ({ server, patient: person, desktops }, info) => {
  const patient = new Patient(person.page, person.say, TCM)
  const { page, say } = patient
  const day = (days: number) => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(Date.now() + days * 86_400_000)
  await usePage(desktops, server.baseURL, DESK, info, 'administrator', async (office) => {
    const at = (id: string) => office.getByTestId(id)
    await signIn(office, server.account('administrator'))
    await at('roster-doctor').selectOption({ label: DOCTOR })
    await at('roster-clinic').selectOption({ label: '中医内科门诊' })
    for (const digit of ['6', '7']) await at(`roster-day-${digit}`).click()
    await at('roster-from').fill('11:40')
    await at('roster-to').fill('12:40')
    await at('roster-minutes').fill('20')
    await at('roster-first').fill(day(1))
    // The demonstration's doctors work in the morning and in the afternoon.
    await at('roster-look').click()
    await expect(at('roster-conflict')).toContainText('09:00–12:00')
    await expect(at('roster-make')).toHaveAttribute('aria-disabled', 'true')
    await picture(office, 'admin-hours-conflict')
    const old = office.getByRole('article', { name: DOCTOR }).filter({ hasText: '09:00–12:00' })
    await old.getByTestId('roster-end-day').fill(day(0))
    await old.getByTestId('roster-end').click()
    await at('roster-sure').click()
    await expect(old).toContainText(`– ${day(0)}`)

    await at('roster-look').click()
    await expect(at('roster-conflict')).toHaveCount(0)
    await expect(at('roster-preview-day').first()).toContainText(/11:40\s*12:00\s*12:20/)
    await expect(at('roster-preview-day').first()).toContainText(day(1))
    await expectAccessible(office, 'administrator, new hours')
    await expectBarFits(office, 'administrator')
    await expectNoSidewaysScroll(office, 'administrator, new hours')
    await picture(office, 'admin-hours')
    // Another word in the form, and it is another roster: it is seen again first.
    await at('roster-capacity').fill('2')
    await expect(at('roster-make')).toHaveAttribute('aria-disabled', 'true')
    await at('roster-look').click()
    await at('roster-make').click()
    await expect(office.getByRole('article', { name: DOCTOR })).toHaveCount(3)
  })

  const who = young('books new hours')
  await page.goto(`/v/${TCM}/book`)
  await patient.signIn(who.phone)
  await patient.identify(who)
  const [, month = '', date = ''] = day(1).split('-').map(Number).map(String)
  await page.locator('.day').filter({ hasText: new RegExp(`${month}月${date}日|${month}/${date}`) }).first().click()
  const times = page.getByRole('region', { name: DOCTOR }).locator('.time').filter({ hasText: /11:40|12:00|12:20/ })
  await expect(times).toHaveCount(3)
  await times.nth(1).click()
  await patient.button(say('booking.confirm')).click()
  await expect(patient.heading(say('booking.done'))).toBeVisible()
  await expect(page.getByRole('main')).toContainText('12:00')
})
