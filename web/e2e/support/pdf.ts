import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, type Locator, type Page } from '@playwright/test'

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
