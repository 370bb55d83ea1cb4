import type { Page } from '@playwright/test'
import { declare } from './support/api'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import type { Patient } from './support/patient'
import { invent } from './support/people'
import { expect, test } from './support/test'

/** Opens the check before the call for somebody whose declaration is submitted. */
async function openCheck(patient: Patient, server: { baseURL: string; link: string }, word: string): Promise<void> {
  const declared = await declare(server, invent(word))
  await patient.open()
  await patient.page.evaluate((kept) => kept.forEach(([name, value]) => localStorage.setItem(String(name), String(value))), [
    [`yunzhen.patient.${patient.link}`, JSON.stringify(declared.tokens)],
    [`yunzhen.person.${patient.link}`, declared.patient],
    [`yunzhen.declaration.${patient.link}`, declared.declaration],
    [`yunzhen.result_read.${patient.link}`, declared.declaration],
  ])
  await patient.page.reload()
  await expect(patient.button(patient.say('check.begin'))).toBeVisible()
}

/** The help page of one failure: a picture, three steps in words, and a way on without a camera. */
async function expectHelp(patient: Patient, topic: string): Promise<void> {
  const help = patient.page.locator(`.help[data-topic="${topic}"]`)
  await expect(help.locator('svg.picture')).toBeVisible({ timeout: 25_000 })
  await expect(help.getByRole('listitem')).toHaveCount(3)
  await help.scrollIntoViewIfNeeded()
  await expect(help.getByRole('heading')).toHaveText(patient.say(`check.fault.${topic}` as 'check.fault.busy'))
  await expect(patient.button(patient.say('check.audio_only'))).toBeVisible()
}
async function look(page: Page, name: string): Promise<void> {
  await expectAccessible(page, `the check, ${name}`)
  await expectNoSidewaysScroll(page, `the check, ${name}`)
}

test('the check shows the own picture and loudness, and explains a bad network and a silent speaker', async ({ server, patient }) => {
  const { page } = patient
  // A round trip of 0.9 s, as the browser's own statistics tell it.
  await page.addInitScript(() => {
    const stats = RTCPeerConnection.prototype.getStats
    RTCPeerConnection.prototype.getStats = async function (this: RTCPeerConnection) {
      const report = await stats.call(this, null)
      if (!(window as unknown as { __slow?: boolean }).__slow) return report
      const slow = new Map<string, Record<string, unknown>>()
      report.forEach((one: Record<string, unknown>, id: string) => slow.set(id, { ...one, currentRoundTripTime: 0.9, roundTripTime: 0.9 }))
      return slow as unknown as RTCStatsReport
    }
  })
  await openCheck(patient, server, 'is checked')
  await look(page, 'before it begins')
  await page.evaluate(() => Object.assign(window, { __slow: true }))
  await patient.button(patient.say('check.begin')).click()
  const own = page.locator('video.self')
  await expect(own).toBeVisible()
  await expect.poll(() => own.evaluate((video: HTMLVideoElement) => video.videoWidth)).toBeGreaterThan(0)
  await expect.poll(async () => Number(await page.getByRole('meter').getAttribute('aria-valuenow'))).toBeGreaterThan(0)
  await expect(page.getByText(patient.say('check.mic.ok'))).toBeVisible()
  await expectHelp(patient, 'weak')
  await patient.button(patient.say('check.speaker.play')).click()
  await patient.button(patient.say('check.speaker.no')).click()
  await expectHelp(patient, 'unheard')
  await look(page, 'weak network, nothing heard')
  await picture(page, 'patient-check-weak')

  await page.evaluate(() => Object.assign(window, { __slow: false }))
  await patient.button(patient.say('check.again')).click()
  await patient.button(patient.say('check.speaker.yes')).click()
  await expect(page.getByText(patient.say('check.network.good'))).toBeVisible({ timeout: 25_000 })
  await expect(page.locator('.help[data-topic]')).toHaveCount(0)
  await patient.takeNumber()
})

/** What the browser throws, and whether the site itself has the permission. */
const REFUSALS = {
  denied: ['NotAllowedError', 'denied'], system: ['NotAllowedError', 'granted'], missing: ['NotFoundError', 'granted'],
  busy: ['NotReadableError', 'granted'], other: ['UnknownError', 'granted'],
} as const

test('each way in which a camera can fail has its picture and steps, and the visit goes on without one', async ({ server, patient }) => {
  const { page } = patient
  await openCheck(patient, server, 'has no luck')
  for (const [topic, refusal] of Object.entries(REFUSALS)) {
    await page.evaluate(([name, state]) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name))
      navigator.permissions.query = () => Promise.resolve({ state } as PermissionStatus)
    }, refusal)
    await patient.button(patient.say('check.begin')).or(patient.button(patient.say('check.again'))).click()
    await expectHelp(patient, topic)
    await look(page, topic)
    await picture(page, `patient-check-${topic}`)
  }
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'mediaDevices', { value: undefined, configurable: true })
    Object.defineProperty(window, 'isSecureContext', { value: false, configurable: true })
  })
  await patient.button(patient.say('check.again')).click()
  await expectHelp(patient, 'insecure')
  await look(page, 'insecure')
  await picture(page, 'patient-check-insecure')
  await patient.button(patient.say('check.audio_only')).click()
  await patient.expectWaiting()
})

test('a covered lens, a silent microphone and a blocked network are each explained, and lead on by voice', async ({ server, patient }) => {
  const { page } = patient
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = async () => {
      const canvas = document.createElement('canvas')
      canvas.width = 64
      canvas.height = 48
      const pen = canvas.getContext('2d')
      setInterval(() => pen?.fillRect(0, 0, 64, 48), 50)
      const silence = new AudioContext().createMediaStreamDestination()
      return new MediaStream([...canvas.captureStream(20).getTracks(), ...silence.stream.getTracks()])
    }
    // Nothing listens where this leads.
    const set = RTCPeerConnection.prototype.setRemoteDescription as (this: RTCPeerConnection, answer: RTCSessionDescriptionInit) => Promise<void>
    RTCPeerConnection.prototype.setRemoteDescription = function (this: RTCPeerConnection, answer: RTCSessionDescriptionInit) {
      return set.call(this, { ...answer, sdp: (answer.sdp ?? '').replace(/^(a=candidate:.* 127\.0\.0\.1) \d+ /gm, '$1 9 ') })
    }
  })
  await openCheck(patient, server, 'is in the dark')
  await patient.button(patient.say('check.begin')).click()
  for (const topic of ['black', 'silent', 'blocked']) await expectHelp(patient, topic)
  await look(page, 'nothing works')
  await picture(page, 'patient-check-dark')
  await patient.button(patient.say('check.audio_only')).click()
  await patient.expectWaiting()
})
