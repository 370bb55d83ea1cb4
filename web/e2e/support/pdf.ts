import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, type Locator, type Page } from '@playwright/test'
import decode from 'jsqr'

const SCREENS = fileURLToPath(new URL('../../test-results/screens', import.meta.url))
const has = (program: string): boolean => (process.env['PATH'] ?? '').split(path.delimiter).some((folder) => existsSync(path.join(folder, program)))

/** Presses what downloads a paper; where the file lies. */
export async function downloaded(page: Page, press: Locator, name: string): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), press.click()])
  mkdirSync(SCREENS, { recursive: true })
  const file = path.join(SCREENS, name)
  await download.saveAs(file)
  return file
}

/** What a PDF says, as whoever copies it out would get it; `null` where the machine has no program for that. */
export function textOf(file: string): string | null {
  if (!has('pdftotext')) return null
  return execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' })
}

/** The pages as pictures beside the screens, for people to look at. */
export function drawn(file: string): void {
  if (has('pdftoppm')) execFileSync('pdftoppm', ['-r', '80', '-png', file, file.replace(/\.pdf$/, '')])
}

/** It is a PDF, and says these words. */
export function expectSays(file: string, head: Buffer, words: readonly string[]): void {
  expect(head.subarray(0, 5).toString()).toBe('%PDF-')
  const text = textOf(file)?.replaceAll(/\s/g, '')
  if (text !== undefined) for (const word of words) expect(text, file).toContain(word)
}

/** What the square code on the first page of a PDF says to a telephone's camera; `null` where the machine cannot draw it. */
export async function squareCode(page: Page, file: string): Promise<string | null> {
  if (!has('pdftoppm')) return null
  const drawing = execFileSync('pdftoppm', ['-r', '150', '-png', '-singlefile', file], { maxBuffer: 64 * 1024 * 1024 })
  const { width, height, pixels } = await page.evaluate(async (bytes) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))]))
    const canvas = new OffscreenCanvas(image.width, image.height)
    const context = canvas.getContext('2d')
    context?.drawImage(image, 0, 0)
    const data = context?.getImageData(0, 0, image.width, image.height).data ?? []
    // One byte a pixel: the code is black on white.
    return { width: image.width, height: image.height, pixels: Array.from({ length: data.length / 4 }, (_, at) => data[at * 4] ?? 255) }
  }, drawing.toString('base64'))
  const seen = new Uint8ClampedArray(pixels.flatMap((one) => [one, one, one, 255]))
  return decode(seen, width, height)?.data ?? ''
}
