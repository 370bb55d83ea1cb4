import { expect, test, usePage } from './support/test'
import { DESK } from './support/browser'
import { expectAccessible, expectBarFits, expectNoSidewaysScroll, picture } from './support/look'
import { signIn } from './support/staff'

test('an administrator records what doctors have on paper and ends their sessions, and the desk says what is missing', async ({ server, desk, desktops }, info) => {
  const { page, say } = desk
  await usePage(desktops, server.baseURL, DESK, info, 'administrator', async (office) => {
    await signIn(office, server.account('administrator'))
    await expect(office).toHaveURL(/\/admin/)
    await office.goto('/admin/staff')
    const doctor = office.locator('[data-testid="staff-member"][data-name="doctor"]')
    await expect(doctor).toBeVisible()
    await expect(office.getByTestId('staff-lacking')).toBeHidden()
    const record = async (year: string): Promise<void> => {
      await doctor.getByTestId('papers-open').click()
      await office.locator('#papers-since').fill(year)
      await office.getByTestId('papers-save').click()
    }
    // A day to come is refused at its field; a young practice is recorded as it is, and keeps the doctor from the desk.
    await record(String(new Date().getFullYear() + 1))
    await expect(office.locator('#papers-since-error')).toBeVisible()
    await expectAccessible(office, 'what a doctor has on paper')
    await picture(office, 'admin-papers')
    await office.locator('#papers-since').fill(String(new Date().getFullYear() - 2))
    await office.getByTestId('papers-save').click()
    await expect(doctor.locator('[data-lack="years"]')).toHaveText(say('staff.lack.years'))
    await expectAccessible(office, 'administrator, staff')
    await expectNoSidewaysScroll(office, 'administrator, staff')
    await picture(office, 'admin-staff')
    await page.getByTestId('choose-desk').first().click()
    await expect(page.getByTestId('desk-chooser').locator('.notice')).toContainText(say('errors.desk.practice_too_short'))
    await picture(page, 'desk-papers')
    await record('2010')
    await expect(doctor.getByTestId('lacks')).toHaveCount(0)
    await desk.openDesk()

    await page.locator('[data-part="who"]').click()
    await expect(page.getByTestId('session')).toHaveCount(1)
    await expectAccessible(page, 'own sessions')
    await picture(page, 'own-sessions')
    await page.keyboard.press('Escape')
    await doctor.getByTestId('end-sessions').click()
    await office.getByTestId('end-sessions-yes').click()
    await expect(page.locator('#username'), 'whose sessions were ended signs in again').toBeVisible()
    await expectBarFits(office, 'administrator')
  })
})
