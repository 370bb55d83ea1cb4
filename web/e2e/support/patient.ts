import { expect, type Locator, type Page } from '@playwright/test'
import { arrive, type Arrival } from './api'
import { FEVER, type Answer, type Person } from './people'
import type { Words } from './words'

/** The patient's screens, by what stands on them. */
export class Patient {
  readonly page: Page
  readonly say: Words
  readonly link: string

  constructor(page: Page, say: Words, link: string) {
    this.page = page
    this.say = say
    this.link = link
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name })
  }
  heading(name: string | RegExp): Locator {
    return this.page.getByRole('heading', { name })
  }

  async open(): Promise<void> {
    await this.page.goto(`/v/${this.link}`)
    await expect(this.button(this.say('landing.start'))).toBeVisible()
  }

  async start(): Promise<void> {
    await this.button(this.say('landing.start')).click()
    await expect(this.heading(this.say('flags.title'))).toBeVisible()
  }

  async denyRedFlags(): Promise<void> {
    const no = this.button(this.say('common.no'))
    await expect(no).toHaveCount(8)
    for (let i = 0; i < 8; i += 1) await no.nth(i).click()
    await this.button(this.say('flags.next')).click()
  }

  async admitRedFlag(index = 0): Promise<void> {
    await this.button(this.say('common.yes')).nth(index).click()
  }

  /** Telephone number, then the code that a demonstration shows. */
  async signIn(phone: string): Promise<void> {
    await this.page.getByLabel(this.say('phone.label')).fill(phone)
    const [send, fill] = [this.button(this.say('phone.send')), this.button(this.say('code.fill'))]
    // Another code is sent a minute after the last one, and not before; for the last seconds of it the page itself waits.
    await expect(async () => {
      if (!(await fill.isVisible())) await send.click({ timeout: 3_000 })
      await expect(fill).toBeVisible({ timeout: 6_000 })
    }).toPass({ timeout: 90_000, intervals: [2_000] })
    await fill.click()
    await this.button(this.say('code.verify')).click()
  }

  async identify(person: Person): Promise<void> {
    await expect(this.heading(this.say('who.title'))).toBeVisible()
    await this.page.getByLabel(this.say('who.name')).fill(person.name)
    await this.page.getByLabel(this.say('who.number')).fill(person.card)
    await this.button(this.say('common.next')).click()
  }

  /** Agrees to all three texts, or to all but the recording. */
  async consent({ recording = true } = {}): Promise<void> {
    await expect(this.heading(this.say('consent.title'))).toBeVisible()
    const agree = this.button(this.say('consent.agree'))
    await expect(agree).toHaveCount(3)
    for (const left of recording ? [3, 2, 1] : [3, 2]) {
      await agree.first().click()
      await expect(agree).toHaveCount(left - 1)
    }
    if (!recording) {
      await this.button(this.say('consent.refuse')).click()
      await expect(this.page.getByText(this.say('consent.refused.optional'))).toBeVisible()
    }
    await this.button(this.say('common.next')).click()
  }

  /** Fills the questionnaire in, page after page, with what is asked of `answers`. */
  async declare(answers: Readonly<Record<string, Answer>> = FEVER, eachPage?: (title: string) => Promise<void>): Promise<void> {
    const title = this.page.locator('#page-title')
    for (let pages = 0; pages < 60; pages += 1) {
      await expect(title).toBeVisible()
      const here = await this.pageNumber()
      await this.fillPage(answers)
      await eachPage?.(`${here}, ${(await title.textContent()) ?? ''}`)
      const submit = this.button(this.say('form.submit'))
      if (await submit.isVisible()) {
        await submit.click()
        await expect(title).toBeHidden()
        return
      }
      await this.button(this.say('common.next')).click()
      await expect.poll(() => this.pageNumber(), { message: `the page after ${here}` }).not.toBe(here)
    }
    throw new Error('the questionnaire does not end')
  }

  /** Of the questionnaire; long sections run over several pages of one title. */
  private async pageNumber(): Promise<number> {
    const words = await this.page.locator('.where').textContent({ timeout: 1_000 }).catch(() => '')
    return Number(/\d+/.exec(words ?? '')?.[0] ?? 0)
  }

  /** Answers what is on the page; an answer may bring up further questions. */
  async fillPage(answers: Readonly<Record<string, Answer>>): Promise<void> {
    const done = new Set<string>()
    for (;;) {
      const asked = await this.page.evaluate(() =>
        [...document.querySelectorAll<HTMLInputElement>('[id^="q-"]:is(input, textarea)')].map((one) => ({
          id: one.id.slice(2),
          name: one.name.slice(2),
          type: one.type,
        })),
      )
      const next = asked.map((one) => ({ ...one, key: one.type === 'radio' ? one.name : one.id })).find((one) => one.key in answers && !done.has(one.key))
      if (!next) return
      done.add(next.key)
      await this.answer(next.key, next.type, answers[next.key] ?? '')
    }
  }

  private async answer(id: string, type: string, answer: Answer): Promise<void> {
    if (type === 'radio') {
      const value = typeof answer === 'boolean' ? (answer ? 'yes' : 'no') : String(answer)
      await this.page.locator(`input[name="q-${id}"][value="${value}"]`).check()
    } else if (type === 'checkbox') {
      for (const value of answer as readonly string[]) {
        const named = this.page.locator(`[id="q-${id}-${value}"]`)
        // The first box of a group carries the group's own id.
        await ((await named.count()) > 0 ? named : this.page.locator(`[id="q-${id}"]`)).check()
      }
    } else {
      await this.page.locator(`[id="q-${id}"]`).fill(String(answer))
    }
  }

  async readResult(): Promise<void> {
    await this.button(this.say('result.go')).click()
  }

  /** Camera, microphone, speaker and our own relay; then the number. */
  async passCheck(): Promise<void> {
    await this.button(this.say('check.begin')).click()
    await expect(this.page.getByText(this.say('check.camera.ok'))).toBeVisible()
    await expect(this.page.getByText(this.say('check.mic.ok'))).toBeVisible()
    await this.button(this.say('check.speaker.play')).click()
    await this.button(this.say('check.speaker.yes')).click()
    const verdicts = ['good', 'fair', 'poor', 'none'] as const
    const verdict = verdicts.map((one) => this.say(`check.network.${one}`)).join('|')
    await expect(this.page.getByText(new RegExp(verdict))).toBeVisible({ timeout: 30_000 })
    await expect(this.page.getByText(this.say('check.network.none'))).toBeHidden()
  }
  async takeNumber(): Promise<void> {
    await this.button(this.say('check.take')).click()
    await this.expectWaiting()
  }

  /** The whole way from the link to the waiting room. */
  async checkIn(person: Person): Promise<void> {
    await this.open()
    await this.start()
    await this.denyRedFlags()
    await this.signIn(person.phone)
    await this.identify(person)
    await this.consent()
    await this.declare()
    await this.readResult()
    await this.passCheck()
    await this.takeNumber()
  }

  /** The same as `checkIn` behind the screens, for journeys that begin in the waiting room. */
  async appear(server: { baseURL: string; link: string }, person: Person): Promise<Arrival> {
    const arrival = await arrive(server, person)
    await this.open()
    await this.page.evaluate(
      (kept) => kept.forEach(([name, value]) => localStorage.setItem(String(name), String(value))),
      [
        [`yunzhen.patient.${this.link}`, JSON.stringify(arrival.tokens)],
        [`yunzhen.declaration.${this.link}`, arrival.declaration],
      ],
    )
    await this.page.reload()
    await this.expectWaiting()
    return arrival
  }

  async expectWaiting(): Promise<void> {
    await expect(this.button(this.say('wait.leave'))).toBeVisible()
  }
  async expectCalled(): Promise<void> {
    await expect(this.heading(this.say('called.calling'))).toBeVisible()
  }
  async accept(): Promise<void> {
    await this.expectCalled()
    await this.button(this.say('called.accept')).click()
  }
  async expectBeingIdentified(): Promise<void> {
    await expect(this.heading(this.say('accepted.title'))).toBeVisible()
  }
  /** The one tap that leads back to a call after a reload. */
  async returnToCall(): Promise<void> {
    await this.button(this.say('call.return')).click()
  }
  async expectAfter(): Promise<void> {
    await expect(this.heading(this.say('after.title'))).toBeVisible()
  }

  /** The large number of the ticket. */
  async number(): Promise<string> {
    await this.expectWaiting()
    return /\d+/.exec((await this.page.locator('.place').textContent()) ?? '')?.[0] ?? ''
  }
  /** After a reload the landing page may ask for one tap before it goes on. */
  async resumeIfAsked(): Promise<void> {
    const start = this.button(this.say('landing.start'))
    const content = this.page.getByRole('heading', { level: 1 }).first()
    await expect(content).toBeVisible()
    if (await start.isVisible()) await start.click()
  }
  /** Browsers play no sound before a tap: after a reload the call is entered by one. */
  async enterCallIfAsked(): Promise<void> {
    const back = this.button(this.say('call.return'))
    const inside = this.page.getByTestId('control-hang-up')
    await expect(back.or(inside)).toBeVisible()
    if (await back.isVisible()) await back.click()
  }
  async sayNotMe(look: () => Promise<void>): Promise<void> {
    await this.page.locator('.not-me').click()
    await expect(this.page.getByRole('dialog')).toBeVisible()
    await look()
    await this.button(this.say('called.not_me.yes')).click()
  }
  async isVoid(): Promise<boolean> {
    const gone = this.heading(this.say('ended.no_show.title'))
    await expect(gone.or(this.button(this.say('wait.leave')))).toBeVisible()
    return gone.isVisible()
  }
  async expectWaitingOrCheck(): Promise<void> {
    await expect(this.button(this.say('wait.leave')).or(this.button(this.say('check.begin')))).toBeVisible()
  }
  async chat(text: string): Promise<void> {
    await this.page.getByTestId('control-chat').click()
    await this.page.getByTestId('chat-input').fill(text)
    await this.page.getByTestId('chat-send').click()
  }
}
