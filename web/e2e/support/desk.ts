import { expect, type Locator, type Page } from '@playwright/test'
import type { Person } from './people'
import { signIn } from './staff'
import type { Words } from './words'

export interface Note {
  complaint: string
  diagnosis: string
  advice: string
}

/** The doctor's desk, by its test ids: what is written on it belongs to the unit tests of its words. */
export class Desk {
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
    await expect(this.page).toHaveURL(/\/desk/)
  }

  async openDesk(): Promise<void> {
    await this.at('desk-open').click()
    await this.expectOpen()
  }
  async expectOpen(): Promise<void> {
    await expect(this.at('call-next')).toBeEnabled()
  }
  async callNext(): Promise<void> {
    await this.at('call-next').click()
    await this.expectRinging()
  }
  async expectRinging(): Promise<void> {
    await expect(this.at('ring-state')).toBeVisible()
  }
  async skip(): Promise<void> {
    await this.at('skip').click()
  }
  async expectIdentity(person: Person): Promise<void> {
    await expect(this.at('identity')).toContainText(person.name)
    await expect(this.at('identity')).toContainText(person.card.slice(-4))
    await expect(this.at('confirm')).toBeVisible()
  }
  async confirm(): Promise<void> {
    await this.at('confirm').click()
  }
  async refuseIdentity(): Promise<void> {
    await this.at('wrong-person').click()
  }
  async enterCallIfAsked(): Promise<void> {
    await expect(this.at('note-diagnosis')).toBeVisible()
    if (await this.at('enter-call').isVisible()) await this.at('enter-call').click()
  }

  async write(note: Note): Promise<void> {
    await this.at('note-complaint').fill(note.complaint)
    await this.at('note-diagnosis').fill(note.diagnosis)
    await this.at('note-advice').fill(note.advice)
  }
  async expectSaved(): Promise<void> {
    await expect(this.at('note-saved')).toHaveAttribute('data-state', 'saved')
  }
  async expectWritten(diagnosis: string): Promise<void> {
    await expect(this.at('note-diagnosis')).toHaveValue(diagnosis)
  }
  async chooseOutcome(outcome: string): Promise<void> {
    await this.at(`outcome-${outcome}`).click()
  }
  async sign(): Promise<void> {
    await this.at('sign').click()
    await expect(this.at('signed')).toBeVisible()
  }
  async end(): Promise<void> {
    await this.at('end-visit').click()
    await this.expectOpen()
  }

  async expectAlarm(): Promise<void> {
    await expect(this.at('alarm').first()).toBeVisible()
  }
  async expectChat(text: string): Promise<void> {
    await expect(this.page.getByText(text)).toBeVisible()
  }
  /** Everything is on 1366×768: the page itself does not scroll. */
  async expectOneScreen(): Promise<void> {
    const over = await this.page.evaluate(() => document.documentElement.scrollHeight - document.documentElement.clientHeight)
    expect(over, 'the desk scrolls by so many pixels').toBeLessThanOrEqual(0)
  }
}
