import type { Page } from '@playwright/test'
import { expectAccessible, expectNoSidewaysScroll, picture } from './support/look'
import { invent } from './support/people'
import { meet } from './support/room'
import { expect, test } from './support/test'

const WIDTH = 2000

/** A camera that takes photos of a grey pattern, far larger than its video: many pieces. */
async function addPhotoCamera(page: Page): Promise<void> {
  await page.addInitScript((width) => {
    const take = async (): Promise<Blob> => {
      const canvas = document.createElement('canvas')
      Object.assign(canvas, { width, height: (width * 3) / 4 })
      const pen = canvas.getContext('2d')!
      const image = pen.createImageData(canvas.width, canvas.height)
      let seed = 7
      const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647
      const blocks = Array.from({ length: 80 * 60 }, () => 60 + chance() * 140)
      for (let n = 0; n < canvas.width * canvas.height; n += 1) {
        const block = blocks[Math.floor((n % canvas.width) / 25) + 80 * Math.floor(Math.floor(n / canvas.width) / 25)] ?? 0
        const grey = block + (chance() - 0.5) * 40
        image.data.set([grey, grey, grey, 255], n * 4)
      }
      pen.putImageData(image, 0, 0)
      return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no photo'))), 'image/png'))
    }
    Object.assign(window, { ImageCapture: class { takePhoto = take } })
  }, WIDTH)
}

test('the doctor asks for the tongue, the patient takes a photo, and it arrives over a network that is cut in the middle', async ({ server, patient, desk }) => {
  test.setTimeout(180_000)
  const { page } = patient
  const at = (id: string) => page.getByTestId(id)
  await addPhotoCamera(page)
  // What was kept, and one cut in the middle.
  const kept: number[] = []
  let cut = false
  await page.route('**/api/v1/uploads/*?offset=*', async (route) => {
    if (kept.length === 3 && !cut) {
      cut = true
      await page.context().setOffline(true)
      return route.abort('internetdisconnected')
    }
    const answer = await route.fetch()
    if (answer.ok()) kept.push(Number(new URL(route.request().url()).searchParams.get('offset')))
    return route.fulfill({ response: answer })
  })
  await meet(server, patient, desk, invent('puts the tongue out'))

  await desk.page.getByTestId('control-picture').click()
  await expect(desk.page.getByTestId('control-picture')).toContainText(desk.say('picture.asking'))
  await expect(at('picture-guide')).toBeVisible()
  // The camera of this journey sees nothing but a dark red: that is said before the photo is taken.
  await expect(at('picture-verdict')).toContainText(patient.say('picture.light.dark'))
  await expectAccessible(page, 'tongue, aiming')
  await expectNoSidewaysScroll(page, 'tongue, aiming')
  await picture(page, 'patient-tongue-aim')

  // “Not now” tells the doctor, who asks again.
  await at('picture-off').click()
  await expect(desk.page.getByTestId('control-picture')).toContainText(desk.say('picture.ask'))
  await expect(at('picture-guide')).toBeHidden()
  await expect(desk.page.getByTestId('picture-declined')).toBeVisible()
  await picture(desk.page, 'desk-tongue-declined')
  await desk.page.getByTestId('control-picture').click()
  await expect(desk.page.getByTestId('picture-declined')).toBeHidden()

  await at('picture-take').click()
  await expect(at('picture-shot')).toBeVisible()
  await expect(at('picture-verdict')).toContainText(patient.say('picture.verdict.good'))
  await expectAccessible(page, 'tongue, taken')
  await picture(page, 'patient-tongue-shot')
  await at('picture-again').click()
  await expect(at('picture-preview')).toBeVisible()
  await at('picture-take').click()
  await at('picture-send').click()

  await expect(at('picture-waiting')).toBeVisible({ timeout: 30_000 })
  await picture(page, 'patient-tongue-waiting')
  await page.context().setOffline(false)
  await expect(at('picture-guide')).toBeHidden({ timeout: 60_000 })
  await expect(at('picture-delivered')).toBeVisible()
  expect(new Set(kept).size, 'no piece came twice').toBe(kept.length)
  expect(kept.length).toBeGreaterThan(6)

  // The doctor is told, and sees it in the conversation with what it is like; so it is after a reload.
  await expect(desk.page.getByTestId('picture-arrived')).toBeVisible()
  await desk.page.getByTestId('picture-see').click()
  for (const again of [false, true]) {
    if (again) {
      await desk.page.reload()
      await desk.enterCallIfAsked()
      await desk.page.getByTestId('control-chat').click()
    }
    const image = desk.page.getByTestId('chat-line').locator('img')
    await expect(image).toHaveCount(1)
    await expect.poll(() => image.evaluate((one: HTMLImageElement) => one.naturalWidth)).toBe(WIDTH)
    await expect(desk.page.getByTestId('picture-verdict')).toContainText(desk.say('picture.verdict.good'))
  }
  await expectAccessible(desk.page, 'desk, the tongue')
  await picture(desk.page, 'desk-tongue')
  await expect(desk.page.getByTestId('control-picture')).toContainText(desk.say('picture.ask'))

  // A line that the patient begins and leaves is there when the panel is opened again.
  await at('control-chat').click()
  await at('chat-input').fill('舌头有点疼')
  await page.getByRole('button', { name: patient.say('chat.close') }).click()
  await at('control-chat').click()
  await expect(at('chat-input')).toHaveValue('舌头有点疼')
  await at('chat-send').click()
  await expect(desk.page.getByTestId('chat-line').filter({ hasText: '舌头有点疼' })).toBeVisible()

  // It stands beside what is written of the tongue, while the visit goes on and afterwards; so does what was said.
  const on = (id: string) => desk.page.getByTestId(id)
  await on('tab-exam').click()
  await expect(on('tongue-photos').locator('img')).toHaveCount(1)
  await expectAccessible(desk.page, 'desk, the tongue in the record')
  await picture(desk.page, 'desk-tongue-record')
  await desk.write({ complaint: '舌痛', diagnosis: '口疮', advice: '多饮水' })
  await desk.chooseOutcome('home_care')
  await desk.sign()
  await desk.end()
  await on('ended-open').click()
  await on('ended-read').first().click()
  await on('tab-exam').click()
  await on('tongue-photos-open').click()
  await expect(on('tongue-photos').locator('img')).toHaveCount(1)
  await on('said-open').click()
  await expect(on('said').getByTestId('chat-line')).toHaveCount(2)
  await expect(on('said').locator('img')).toHaveCount(1)
  await expectAccessible(desk.page, 'desk, what was said')
  await picture(desk.page, 'desk-said')
  await at('my-said-open').click()
  await expect(at('said')).toContainText('舌头有点疼')
  await expect(at('said').locator('img')).toHaveCount(1)
  await expectAccessible(page, 'phone, what was said')
  await expectNoSidewaysScroll(page, 'phone, what was said')
  await picture(page, 'patient-said')
})
