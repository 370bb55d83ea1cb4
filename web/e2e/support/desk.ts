import { expect, type Locator, type Page } from '@playwright/test'
import type { Person } from './people'
import { signIn } from './staff'
import type { Words } from './words'

export interface Note {
  complaint: string
  diagnosis: string
  advice: string
}

/** The doctor's desk, by its test ids: what is written on it may change without breaking a journey. */
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
  private tab(name: 'declared' | 'history' | 'exam' | 'diagnosis' | 'rx' | 'outcome'): Promise<void> {
    return this.at(`tab-${name}`).click()
  }

  async signIn(account: { username: string; password: string }): Promise<void> {
    await signIn(this.page, account)
    await expect(this.page).toHaveURL(/\/desk/)
  }

  /** Takes the first free desk of the first clinic, or opens the one that is the doctor's already. */
  async openDesk(): Promise<void> {
    await this.at('choose-desk').or(this.at('desk-open')).first().click()
    await this.expectOpen()
  }
  async expectOpen(): Promise<void> {
    await expect(this.at('desk-phase')).toHaveAttribute('data-phase', 'open')
  }
  async callNext(): Promise<void> {
    await this.at('call-next').click()
    await this.expectRinging()
  }
  async expectRinging(): Promise<void> {
    await expect(this.at('ring')).toBeVisible()
  }
  /** From a closed desk to the open record of the next patient. */
  async see(patient: { accept(): Promise<void> }): Promise<void> {
    await this.openDesk()
    await this.callNext()
    await patient.accept()
    await this.confirm()
  }
  /** Prescribes for somebody who was seen before, and whose proof of it was looked at. */
  async openPrescriptions(): Promise<void> {
    await this.tab('rx')
    await this.at('rx-kind-return').click()
    await this.at('rx-proof').check()
  }
  async skip(): Promise<void> {
    await this.at('skip').click()
    await this.at('skip-yes').click()
    await expect(this.at('ring')).toBeHidden()
  }
  async expectIdentity(person: Person): Promise<void> {
    await expect(this.at('identity-name')).toHaveText(person.name)
    await expect(this.at('identity-tail')).toHaveText(person.card.slice(-4))
  }
  async confirm(): Promise<void> {
    await this.at('identity-confirm').click()
    await expect(this.at('record')).toBeVisible()
  }
  /** “Not this person”: at the identity panel, or on the card during the call. */
  async refuseIdentity(): Promise<void> {
    await this.at('identity-wrong').click()
    await this.at('identity-wrong-yes').click()
    await expect(this.at('identity-wrong-yes')).toBeHidden()
  }
  /** After a reload the browser may want a tap before it plays sound. */
  async enterCallIfAsked(): Promise<void> {
    await expect(this.at('call-stage')).toBeVisible()
    await this.page.waitForTimeout(500)
    for (const id of ['call-enter', 'unblock-sound']) if (await this.at(id).isVisible()) await this.at(id).click()
  }

  async write(note: Note): Promise<void> {
    await this.tab('history')
    await this.at('note-complaint').fill(note.complaint)
    await this.tab('diagnosis')
    await this.at('note-diagnosis').fill(note.diagnosis)
    await this.at('note-advice').fill(note.advice)
    await this.expectSaved()
  }
  async expectSaved(): Promise<void> {
    await expect(this.at('save-state')).toHaveAttribute('data-state', 'saved')
  }
  async expectWritten(diagnosis: string): Promise<void> {
    await this.tab('diagnosis')
    await expect(this.at('note-diagnosis')).toHaveValue(diagnosis)
  }
  async chooseOutcome(outcome: string): Promise<void> {
    await this.tab('outcome')
    await this.at(`outcome-${outcome}`).click()
    if (outcome === 'go_to_hospital') {
      await this.page.locator('#refer-reason').fill('需面诊查血')
      await this.at('refer-yes').click()
    }
    await expect(this.at(`outcome-${outcome}`)).toHaveAttribute('aria-pressed', 'true')
  }
  async sign(): Promise<void> {
    await this.at('sign').click()
    await this.at('sign-yes').click()
    await expect(this.at('signed')).toBeVisible()
  }
  async end(): Promise<void> {
    await this.at('end').click()
    await this.at('end-yes').click()
    await expect(this.at('record')).toBeHidden()
    await this.expectOpen()
  }

  async expectAlarm(): Promise<void> {
    await expect(this.at('alarm-banner')).toBeVisible()
  }
  async expectChat(text: string): Promise<void> {
    await this.at('control-chat').click()
    await expect(this.at('chat-line').filter({ hasText: text })).toBeVisible()
  }
  /** Everything is on 1366×768: the page itself does not scroll. */
  async expectOneScreen(): Promise<void> {
    const over = await this.page.evaluate(() => document.documentElement.scrollHeight - document.documentElement.clientHeight)
    expect(over, 'the desk scrolls by so many pixels').toBeLessThanOrEqual(0)
  }
}
