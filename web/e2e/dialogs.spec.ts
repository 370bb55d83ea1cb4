import { expect, test } from './support/test'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'

test('the dialogs beside the way help, ask and close, and everybody can use them', async ({ server, patient, another, nurse }) => {
  const look = async (page: typeof patient.page, name: string) => {
    await expectAccessible(page, name)
    await expectNoSidewaysScroll(page, name)
  }
  const dialog = patient.page.getByRole('dialog')

  await patient.page.goto('/nowhere')
  await expect(patient.heading(patient.say('page.not_found.title'))).toBeVisible()
  await look(patient.page, 'no such page')

  await patient.appear(server, invent('asks for help'))
  await patient.button(patient.say('common.help')).click()
  await expect(dialog).toBeVisible()
  await look(patient.page, 'help')
  await picture(patient.page, 'patient-help')
  await patient.page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()

  await patient.button(patient.say('wait.worse')).click()
  await expect(dialog).toBeVisible()
  await look(patient.page, 'the three questions')
  await picture(patient.page, 'patient-retriage')
  await dialog.locator('#breathing-same').check()
  await dialog.locator('#general-same').check()
  await dialog.getByLabel(patient.say('retriage.temperature')).fill('3')
  await patient.button(patient.say('retriage.send')).click()
  await expect(dialog.locator('#temperature')).toHaveAttribute('aria-invalid', 'true')
  await dialog.getByLabel(patient.say('retriage.temperature')).fill('38.4')
  await patient.button(patient.say('retriage.send')).click()
  await expect(dialog).toBeHidden()
  await patient.expectWaiting()

  await another.open()
  await another.start()
  await another.admitRedFlag()
  await nurse.expectAlarm()
  await expect(nurse.page.getByTestId('emergency')).toContainText(nurse.say('alarm.online'))
  await another.button(another.say('emergency.wrong')).click()
  await expect(another.page.getByRole('dialog')).toBeVisible()
  await look(another.page, 'was it a mistake?')
  await another.button(another.say('emergency.wrong.yes')).click()
  await expect(another.heading(another.say('flags.title'))).toBeVisible()
  // Who took it back is not there any more, and the board says so.
  await expect(nurse.page.getByTestId('emergency')).toContainText(nurse.say('alarm.offline'))
})
