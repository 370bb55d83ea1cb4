import { expect, test } from './support/test'
import { Voice } from './support/scene'

test('a doctor sees patients by the keyboard alone', async ({ server, desk }) => {
  const { page } = desk
  const first = await Voice.arrives(server, 'seen by keyboard')
  const second = await Voice.arrives(server, 'not the one')
  const at = (id: string) => page.getByTestId(id)
  await expect(at('choose-desk').first()).toBeVisible()
  await page.evaluate(() => {
    Object.assign(window, { __pointers: 0 })
    window.addEventListener('pointerdown', () => ((window as unknown as { __pointers: number }).__pointers += 1), true)
  })
  const focused = () => page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset['testid'] ?? '')
  /** By Tab, as somebody without a mouse; the focus can be seen when it is there. */
  async function go(id: string): Promise<void> {
    for (let presses = 0; presses < 80 && (await focused()) !== id; presses += 1) await page.keyboard.press('Tab')
    await expect(at(id).first()).toBeFocused()
    const ring = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement!)
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
    })
    expect(ring, `the focus on ${id} can be seen`).toBe(true)
  }
  const press = (id: string) => go(id).then(() => page.keyboard.press('Enter'))

  async function callNext(): Promise<void> {
    await expect(at('call-next')).not.toHaveAttribute('aria-disabled', 'true')
    await page.keyboard.press('Alt+KeyN')
    await desk.expectRinging()
  }

  await press('choose-desk')
  await desk.expectOpen()
  await expect(at('queue-row')).toHaveCount(2)
  await callNext()
  await first.accept()
  await expect(at('identity-name')).toBeVisible()
  await page.keyboard.press('Alt+KeyY')
  await expect(at('record')).toBeVisible()

  await page.keyboard.press('Alt+KeyD')
  await go('note-complaint')
  await page.keyboard.type('发热两天')
  for (let back = 0; back < 8 && (await focused()) !== 'tab-history'; back += 1) await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await expect(at('tab-diagnosis')).toHaveAttribute('data-state', 'active')
  await go('note-diagnosis')
  await page.keyboard.type('上呼吸道感染')
  await go('note-advice')
  await page.keyboard.type('多饮水')
  await page.keyboard.press('Alt+Digit2')
  await expect(at('outcome-follow_up')).toHaveAttribute('aria-pressed', 'true')
  await page.keyboard.press('Alt+KeyO')
  await expect(at('outcome-follow_up')).toBeFocused()
  await page.keyboard.press('Shift+Tab')
  await expect(at('outcome-home_care')).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(at('outcome-home_care')).toHaveAttribute('aria-pressed', 'true')
  await desk.expectSaved()
  await page.keyboard.press('Alt+KeyS')
  await press('sign-yes')
  await expect(at('signed')).toBeVisible()
  await page.keyboard.press('Alt+KeyE')
  await press('end-yes')
  await expect(at('record')).toBeHidden()

  await callNext()
  await press('skip')
  await press('skip-yes')
  await expect(at('ring')).toBeHidden()
  await callNext()
  await second.accept()
  await expect(at('identity-name')).toBeVisible()
  await press('identity-wrong')
  await press('identity-wrong-yes')
  await expect.poll(async () => (await second.ticket())['phase']).toBe('waiting')
  expect(await page.evaluate(() => (window as unknown as { __pointers: number }).__pointers), 'no mouse was used').toBe(0)
})
