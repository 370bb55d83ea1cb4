import { test as base, expect, type Browser, type BrowserContextOptions, type Page, type TestInfo } from '@playwright/test'
import { writeFileSync } from 'node:fs'
import { launchChromium, openPage, DESK, PHONE, type Equipment } from './browser'
import { Desk } from './desk'
import { Nurse } from './nurse'
import { Patient } from './patient'
import { Server } from './server'
import { wordsOf } from './words'

interface Cast {
  /** A fresh demonstration server. Its whole log is kept beside a failed journey. */
  server: Server
  /** A patient with a phone whose camera sees red and whose microphone hears 880 Hz. Nothing is open yet. */
  patient: Patient
  /** A second patient, on another phone. */
  another: Patient
  /** The first doctor, signed in, with a blue camera and 440 Hz; the desk is not open yet. */
  desk: Desk
  /** The nurse, signed in. */
  nurse: Nurse
}

interface Machines {
  phones: Browser
  desktops: Browser
}

export const PATIENT_HERTZ = 880
export const DOCTOR_HERTZ = 440

export const phone: Equipment = { camera: 'red', hertz: PATIENT_HERTZ }
export const desktop: Equipment = { camera: 'blue', hertz: DOCTOR_HERTZ }

export const test = base.extend<Cast, Machines>({
  // A fake camera belongs to a browser process, so phones and desktops are two; a person is a context of its own.
  phones: [async ({}, use) => useBrowser(phone, use), { scope: 'worker' }],
  desktops: [async ({}, use) => useBrowser(desktop, use), { scope: 'worker' }],

  server: async ({}, use, info) => {
    const server = await Server.start()
    await use(server)
    await server.stop()
    if (info.status !== info.expectedStatus) writeFileSync(info.outputPath('server.log'), server.log)
  },
  patient: async ({ phones, server }, use, info) => {
    await usePage(phones, server.baseURL, PHONE, info, 'patient', (page) => use(new Patient(page, wordsOf('zh'), server.link)))
  },
  another: async ({ phones, server }, use, info) => {
    await usePage(phones, server.baseURL, PHONE, info, 'another', (page) => use(new Patient(page, wordsOf('zh'), server.link)))
  },
  desk: async ({ desktops, server }, use, info) => {
    await usePage(desktops, server.baseURL, DESK, info, 'desk', async (page) => {
      const desk = new Desk(page, wordsOf('zh'))
      await desk.signIn(server.account('doctor'))
      await use(desk)
    })
  },
  nurse: async ({ desktops, server }, use, info) => {
    await usePage(desktops, server.baseURL, DESK, info, 'nurse', async (page) => {
      const nurse = new Nurse(page, wordsOf('zh'))
      await nurse.signIn(server.account('nurse'))
      await use(nurse)
    })
  },
})

export async function useBrowser(equipment: Equipment, use: (browser: Browser) => Promise<void>): Promise<void> {
  const browser = await launchChromium(equipment)
  await use(browser)
  await browser.close()
}

/** A page for one person; its picture and what it said on the console are kept beside a failed journey. */
export async function usePage(
  browser: Browser,
  baseURL: string,
  options: BrowserContextOptions,
  info: TestInfo,
  who: string,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const page = await openPage(browser, baseURL, options)
  const said: string[] = []
  page.on('console', (line) => said.push(`${line.type()}: ${line.text()}`))
  page.on('pageerror', (fault) => said.push(`uncaught: ${fault.message}`))
  let thrown: unknown
  await use(page).catch((cause: unknown) => (thrown = cause))
  if (thrown !== undefined || info.status !== info.expectedStatus) {
    await page.screenshot({ path: info.outputPath(`${who}.png`) }).catch(() => undefined)
    writeFileSync(info.outputPath(`${who}.console`), said.join('\n'))
  }
  await page.context().close()
  if (thrown !== undefined) throw thrown
}

export { expect }
