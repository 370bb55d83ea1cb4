import type { Page } from '@playwright/test'
import { Api } from './support/api'
import { expectCall } from './support/call'
import { sqlite } from './support/later'
import { picture } from './support/look'
import { Patient } from './support/patient'
import { invent } from './support/people'
import type { Server } from './support/server'
import { expect, test } from './support/test'

/** The page renews its sign-in now, as it does when the server calls its token old. */
async function renew(page: Page): Promise<void> {
  let status = 0
  const renewed = page.waitForResponse('**/api/v1/auth/refresh').then((response) => (status = response.status()))
  await page.route('**/api/v1/tickets/*', (route) => route.fulfill({ status: 401, json: { code: 'auth.required', message: 'old' } }), { times: 1 })
  // A page that still waits for an answer does not ask again, so it is told until it has.
  const told = async (): Promise<number> => {
    await page.evaluate(() => window.dispatchEvent(new Event('online')))
    return status
  }
  await expect.poll(told, { message: 'the session stands' }).toBe(200)
  await renewed
}

/** The server ends the session that this page is signed in with. */
async function endSession({ page, link }: Patient, server: Server): Promise<void> {
  const kept = await page.evaluate((name) => localStorage.getItem(name), `yunzhen.patient.${link}`)
  const { access_token: token } = JSON.parse(kept ?? '{}') as { access_token?: string }
  await new Api(server.baseURL, String(token)).post('/auth/logout')
}

/** Signs in on the page that says that the session has ended. A code may be sent again at once: nobody waits for that here. */
async function signInAgain(patient: Patient, server: Server, phone: string): Promise<void> {
  await expect(patient.page.getByText(patient.say('phone.expired'))).toBeVisible()
  sqlite(server, 'delete from code_rate;')
  await patient.signIn(phone)
}

test('two tabs of one phone keep their sign-in, whichever renews it, also in the call', async ({ server, patient, desk }) => {
  await patient.appear(server, invent('has two tabs'))
  const second = new Patient(await patient.page.context().newPage(), patient.say, patient.link)
  await second.page.goto(`/v/${second.link}`)
  await second.expectWaiting()
  // What the second tab read when it was opened is spent twice over before its turn comes.
  await renew(patient.page)
  await renew(patient.page)
  await renew(second.page)
  await renew(patient.page)
  await Promise.all([patient.expectWaiting(), second.expectWaiting()])

  await desk.openDesk()
  await desk.callNext()
  await second.expectCalled()
  await patient.accept()
  await desk.confirm()
  await patient.enterCallIfAsked()
  await expectCall(patient.page, desk.page)
  await renew(second.page)
  await renew(patient.page)
  await renew(second.page)
  await expectCall(patient.page, desk.page)
})

test('a patient whose session ended signs in on the same page, and is rung for, sits in the call, and comes to its end', async ({ server, patient, desk }) => {
  const dropped = desk.page.getByTestId('dropped')
  const person = invent('signs in again')
  await patient.appear(server, person)
  await endSession(patient, server)
  await signInAgain(patient, server, person.phone)
  await patient.expectWaiting()

  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await patient.enterCallIfAsked()
  await expectCall(patient.page, desk.page)

  await endSession(patient, server)
  await expect(dropped).toBeVisible({ timeout: 15_000 })
  await signInAgain(patient, server, person.phone)
  await patient.enterCallIfAsked()
  await expectCall(patient.page, desk.page)
  await expect(dropped).toBeHidden()
  await picture(desk.page, 'desk-signed-in-again')

  await desk.write({ complaint: '发热', diagnosis: '感冒', advice: '多休息' })
  await desk.chooseOutcome('home_care')
  await desk.sign()
  await desk.end()
  await patient.expectAfter()
})
