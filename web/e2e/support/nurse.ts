import { expect, type Locator, type Page } from '@playwright/test'
import { signIn } from './staff'
import type { Words } from './words'

/** The nurse's board. */
export class Nurse {
  readonly page: Page
  readonly say: Words

  constructor(page: Page, say: Words) {
    this.page = page
    this.say = say
  }

  private at(id: string): Locator {
    return this.page.getByTestId(id)
  }

  async signIn(account: { username: string; password: string }): Promise<void> {
    await signIn(this.page, account)
    await expect(this.page).toHaveURL(/\/nurse/)
  }
  async expectAlarm(): Promise<void> {
    await expect(this.at('emergency').first()).toBeVisible()
  }
  async takeAlarm(): Promise<void> {
    await this.at('emergency-take').first().click()
  }
  async expectTicket(): Promise<void> {
    await expect(this.at('ticket-card').first()).toBeVisible()
  }
}
