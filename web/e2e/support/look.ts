import AxeBuilder from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'
import { copyFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const WEB = fileURLToPath(new URL('../..', import.meta.url))
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** No rule of WCAG 2.2 AA that a machine can check is broken on what is shown now. */
export async function expectAccessible(page: Page, screen: string): Promise<void> {
  await settled(page)
  // The builder brings its own copy of Playwright's types, of another minor version. Without frames of other origins
  // it needs no page of its own to gather in, and what is right need not be told node by node.
  const { violations } = await new AxeBuilder({ page: page as never })
    .setLegacyMode()
    .options({ resultTypes: ['violations'] })
    .withTags(RULES)
    .analyze()
  const told = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(' | ')}`)
  expect.soft(told, `axe on ${screen}`).toEqual([])
}

/** Until no colour is on its way to another: a machine reads the one of this moment. What turns for ever is let turn. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ends = (one: Animation) => Number.isFinite(one.effect?.getComputedTiming().endTime)
    await Promise.allSettled(document.getAnimations().filter(ends).map((one) => one.finished))
  })
}

/** Nothing is cut off or scrolls sideways. */
export async function expectNoSidewaysScroll(page: Page, screen: string): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect.soft(over, `${screen} scrolls sideways by so many pixels`).toBeLessThanOrEqual(0)
}

/** In both languages and on both usual widths: nothing of the staff's bar is outside, cut, wrapped, or lies on another. Only a full one is without its name. */
export async function expectBarFits(page: Page, screen: string, named = true): Promise<void> {
  const before = page.viewportSize()
  const other = page.locator('.frame > header').getByRole('button', { name: /^(English|中文)$|language|语言/ })
  for (const language of ['zh', 'en']) {
    if (language === 'en') await other.click()
    for (const width of [1280, 1440]) {
      await page.setViewportSize({ width, height: 900 })
      const wrong = await page.evaluate((named) => {
        const header = document.querySelector<HTMLElement>('.frame > header')
        const parts = [...(header?.querySelectorAll<HTMLElement>('h1, button, [data-part]') ?? [])].filter((one) => one.checkVisibility() && one.getBoundingClientRect().width > 1)
        const said = (one: HTMLElement) => one.dataset['testid'] ?? (one.textContent ?? '').trim()
        const faults: string[] = header ? [] : ['there is no bar']
        if (named && !parts.some((one) => one.tagName === 'H1')) faults.push('no name')
        for (const one of parts) {
          const box = one.getBoundingClientRect()
          if (box.left < 0 || box.right > innerWidth) faults.push(`outside: ${said(one)}`)
          if (one.scrollWidth > one.clientWidth + 1) faults.push(`cut: ${said(one)}`)
          if (box.height > 40) faults.push(`wrapped: ${said(one)}`)
          for (const two of parts) {
            const next = two.getBoundingClientRect()
            if (one !== two && !one.contains(two) && box.left < next.left && box.right > next.left + 1) faults.push(`${said(one)} lies on ${said(two)}`)
          }
        }
        return faults
      }, named)
      expect.soft(wrong, `the bar of ${screen}, ${language}, ${width} pixels wide`).toEqual([])
      await picture(page, `bar-${screen}-${language}-${width}`)
    }
  }
  await other.click()
  if (before) await page.setViewportSize(before)
}

/** Keeps a picture of the screen; of the documentation's too when `YUNZHEN_SCREENS=1`. */
export async function picture(page: Page, name: string): Promise<void> {
  const file = path.join(WEB, 'test-results/screens', `${name}.png`)
  mkdirSync(path.dirname(file), { recursive: true })
  await page.screenshot({ path: file, animations: 'disabled' })
  if (process.env['YUNZHEN_SCREENS'] !== '1') return
  const shown = path.join(WEB, '../docs/screens', `${name}.png`)
  mkdirSync(path.dirname(shown), { recursive: true })
  copyFileSync(file, shown)
}

/** For large type: text below 18 px and main targets below 60 px, by what they say. */
export function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const shown = (one: Element) => one.checkVisibility({ opacityProperty: true }) && one.getBoundingClientRect().width > 1
    const words = (one: Element) => (one.textContent ?? '').trim().slice(0, 20)
    const small: string[] = []
    for (const one of document.querySelectorAll('main p, .complaints, main li, main button, main label, main h1, main h2, main dd, main dt')) {
      const size = parseFloat(getComputedStyle(one).fontSize)
      if (shown(one) && words(one) && size < 18) small.push(`text of ${size} px: ${words(one)}`)
    }
    for (const one of document.querySelectorAll('main button, main .choice, main a, .complaints a, main input:not([type=radio], [type=checkbox]), main select, main summary')) {
      const { height } = one.getBoundingClientRect()
      if (shown(one) && height > 0 && height < 60) small.push(`target of ${height} px: ${words(one)}`)
    }
    return small
  })
}

/** For text of any size: words that are broken in the middle although they would fit on a line of the screen. */
export function brokenWords(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const broken = new Set<string>()
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const around = node.parentElement
      if (!around?.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || around.closest('.sr-only')) continue
      for (const { 0: word, index } of (node.textContent ?? '').matchAll(/[\p{Script=Latin}\u2019]{3,}/gu)) {
        const range = document.createRange()
        range.setStart(node, index)
        range.setEnd(node, index + word.length)
        const lines = [...range.getClientRects()].filter((one) => one.width > 1)
        const width = lines.reduce((sum, one) => sum + one.width, 0)
        if (new Set(lines.map((one) => Math.round(one.top))).size > 1 && width < innerWidth - 80) broken.add(word)
      }
    }
    return [...broken]
  })
}

/** How much of the screen is left between what stays on it, and whatever else can be pressed but is covered when it is scrolled to. */
export function covered(page: Page): Promise<{ left: number; controls: string[] }> {
  return page.evaluate(() => {
    const bars = [...document.querySelectorAll<HTMLElement>('.head, .action-bar')].filter((one) => getComputedStyle(one).position === 'sticky')
    const controls: string[] = []
    for (const one of document.querySelectorAll<HTMLElement>('main :is(button, a[href], input, select, textarea, summary)')) {
      if (!one.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || one.getBoundingClientRect().width < 2) continue
      one.scrollIntoView({ block: 'nearest' })
      const { left, top, width, height } = one.getBoundingClientRect()
      const hit = document.elementFromPoint(left + width / 2, top + Math.min(height, innerHeight) / 2)
      if (!hit || !(one.contains(hit) || hit.contains(one) || hit.closest('label')?.contains(one))) controls.push((one.textContent ?? '').trim().slice(0, 30) || one.id)
    }
    window.scrollTo(0, 0)
    return { left: innerHeight - bars.reduce((sum, one) => sum + one.offsetHeight, 0), controls }
  })
}
