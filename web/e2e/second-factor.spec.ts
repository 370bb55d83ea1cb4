import { createHmac } from 'node:crypto'
import { signIn } from './support/staff'
import { expect, test } from './support/test'
import { picture } from './support/look'

/** What a telephone shows (RFC 6238), `steps` of half a minute from now. */
function code(secret: string, steps: number): string {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps))
  const hash = createHmac('sha1', key).update(step).digest()
  return String((hash.readUInt32BE(hash[19]! & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

test('a nurse shares a secret with her telephone, and the password alone opens no more', async ({ server, nurse }) => {
  const { page } = nurse
  await page.locator('[data-part="who"]').click()
  const dialog = page.getByRole('dialog')
  await dialog.locator('#factor-password').fill('wrong password')
  await dialog.locator('button[type="submit"]').click()
  await expect(dialog.locator('.notice')).toBeVisible()
  await dialog.locator('#factor-password').fill(server.account('nurse').password)
  await dialog.locator('button[type="submit"]').click()
  await expect(dialog.locator('svg.code')).toBeVisible()
  const secret = (await dialog.getByTestId('factor-secret').innerText()).replace(/\s/g, '')
  await picture(page, 'second-factor')
  // Of this step or, where it ends at this moment, of the one before: both are taken.
  await dialog.locator('#factor-code').fill(code(secret, 0))
  await dialog.locator('button[type="submit"]').click()
  await expect(dialog.locator('svg.code')).toBeHidden()
  await expect(dialog.locator('.notice.good')).toBeVisible()
  await page.keyboard.press('Escape')

  await page.getByTitle(/退出|Sign out/).click()
  await expect(page.locator('#username')).toBeVisible()
  await signIn(page, server.account('nurse'))
  await expect(page.locator('#code')).toBeFocused()
  await page.locator('#code').fill('000000')
  await page.locator('button[type="submit"]').click()
  await expect(page.locator('form .notice')).toBeVisible()
  await expect(page.locator('#code')).toBeFocused()
  await picture(page, 'second-factor-sign-in')
  await page.locator('#code').fill(code(secret, 1))
  await page.locator('button[type="submit"]').click()
  await expect(page.locator('[data-part="who"]')).toBeVisible()
})
