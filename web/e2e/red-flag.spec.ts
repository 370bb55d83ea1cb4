import { expect, test } from './support/test'
import { expectCall } from './support/call'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'

test('a red flag shows the 120 page at once, alarms nurse and desk, and opens a line without waiting', async ({ patient, desk, nurse }) => {
  await desk.openDesk()
  await patient.open()
  await patient.start()
  await patient.admitRedFlag()

  await expect(patient.heading(patient.say('emergency.title'))).toBeVisible({ timeout: 1_000 })
  await expect(patient.page.getByRole('link', { name: patient.say('emergency.call') })).toHaveAttribute('href', 'tel:120')
  await expectAccessible(patient.page, 'the 120 page')
  await expectNoSidewaysScroll(patient.page, 'the 120 page')
  await picture(patient.page, 'patient-120')

  await desk.expectAlarm()
  await nurse.expectAlarm()
  await expectAccessible(nurse.page, 'the nurse\'s board with an alarm')
  await picture(nurse.page, 'nurse-alarm')

  await patient.button(patient.say('emergency.line.open')).click()
  await nurse.takeAlarm()
  await expectCall(patient.page, nurse.page)
  await expectAccessible(nurse.page, 'the emergency line')
  await picture(nurse.page, 'nurse-line')
})
