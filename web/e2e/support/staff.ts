import type { Page } from '@playwright/test'

/** Signs a member of staff in on the one page for all of them; each role lands on its own screen. */
export async function signIn(page: Page, account: { username: string; password: string }): Promise<void> {
  await page.goto('/login')
  await page.locator('input[autocomplete="username"]').fill(account.username)
  await page.locator('input[type="password"]').fill(account.password)
  await page.locator('button[type="submit"]').click()
}
