import { expect, test } from './support/test'
import { expectCall } from './support/call'
import { expectAccessible, expectBarFits, picture } from './support/look'
import { redFlag, Voice, young } from './support/scene'

test('the nurse calls a waiting patient by video, and the place is the same afterwards', async ({ server, patient, nurse }) => {
  const at = (id: string) => nurse.page.getByTestId(id)
  await patient.appear(server, young('called by the nurse'))
  const number = await patient.number()
  await expect(at('column-STANDARD').getByTestId('ticket-card')).toBeVisible()
  await expectAccessible(nurse.page, 'nurse, a waiting patient')
  await expectBarFits(nurse.page, 'nurse')

  // Who it is, once, and that it rings; that it was answered, or was not.
  await at('nurse-call').click()
  await expect(at('nurse-call-state')).toContainText(nurse.say('nurse.call.ringing'))
  await expect(at('call-stage')).toContainText(nurse.say('stage.wait_other.nurse'))
  await picture(nurse.page, 'nurse-call-rings')
  await at('nurse-hang-up').click()
  await expect(nurse.page.getByText(nurse.say('nurse.call.missed', { who: '' }))).toBeVisible()
  await patient.expectWaiting()

  await at('nurse-call').click()
  await patient.button(patient.say('wait.nurse_call.answer')).click()
  await expectCall(patient.page, nurse.page)
  await expect(at('nurse-call-state')).toContainText(nurse.say('nurse.call.answered'))
  await expect(at('who-is-here')).toHaveText(/^[^患]*患者 [^患]+$/)
  await expectAccessible(nurse.page, 'nurse, a video call')
  await picture(nurse.page, 'nurse-call')
  await at('nurse-hang-up').click()
  await expect(at('alarm-panel')).toBeHidden()
  await patient.expectWaiting()
  expect(await patient.number()).toBe(number)
})

test('emergencies ring, stand above the columns and oldest first, and a card says why and moves by itself', async ({ server, nurse }) => {
  const at = (id: string) => nurse.page.getByTestId(id)
  const voice = await Voice.arrives(server, 'becomes worse')
  const card = at('column-STANDARD').getByTestId('ticket-card')
  await expect(card).toContainText(String(voice.no))
  // In terms and figures: whoever has forty waiting reads no sentences.
  await expect(card.getByTestId('reasons')).toHaveText('发热，无流行病学史；有呼吸道症状')
  await expect(card.getByTestId('stated')).toContainText('38.2 ℃')
  await expect(card).toContainText('S01')

  await at('change-level').click()
  await expect(nurse.page.getByRole('dialog')).toBeVisible()
  await expectAccessible(nurse.page, 'nurse, the level dialog')
  await nurse.page.getByRole('button', { name: nurse.say('common.cancel') }).click()

  await voice.feelsWorse()
  await expect(at('column-URGENT').getByTestId('ticket-card')).toContainText(String(voice.no))
  await expect(card).toBeHidden()

  await nurse.page.evaluate(() => {
    const start = OscillatorNode.prototype.start
    Object.assign(window, { __sounds: 0 })
    OscillatorNode.prototype.start = function (...when) {
      ;(window as unknown as { __sounds: number }).__sounds += 1
      start.apply(this, when)
    }
  })
  await redFlag(server)
  await expect(at('emergency')).toHaveCount(1)
  const first = await at('emergency').first().locator('.num').last().textContent()
  // The presses above allow the sound.
  await expect.poll(() => nurse.page.evaluate(() => (window as unknown as { __sounds: number }).__sounds)).toBeGreaterThan(0)
  await redFlag(server)
  await expect(at('emergency')).toHaveCount(2)
  const clock = (text: string | null) => /\d\d:\d\d/.exec(text ?? '')?.[0]
  expect(clock(await at('emergency').first().locator('.num').last().textContent())).toBe(clock(first))
  const [row, column] = [await at('emergency').last().boundingBox(), await at('column-URGENT').boundingBox()]
  expect((row?.y ?? 9999) + (row?.height ?? 0)).toBeLessThanOrEqual(column?.y ?? 0)
  // Nobody's page is open behind these two, and the board says so.
  await expect(at('emergency').first()).toContainText(nurse.say('alarm.offline'))
  await expectAccessible(nurse.page, 'nurse, two emergencies')
  await picture(nurse.page, 'nurse-emergencies')
})
