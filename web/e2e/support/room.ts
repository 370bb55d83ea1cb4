import { expect, type Locator, type Page } from '@playwright/test'
import type { Desk } from './desk'
import type { Patient } from './patient'
import type { Person } from './people'
import type { Server } from './server'
import type { Words } from './words'

export type Seen = 'red' | 'green' | 'blue'

/** The colours of all pictures that are shown, the own one too: every camera of a journey sees one. */
export function seen(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const name = (video: HTMLVideoElement): string | null => {
      if (video.videoWidth === 0 || video.clientWidth * video.clientHeight === 0) return null
      const canvas = document.createElement('canvas')
      canvas.width = canvas.height = 1
      const pen = canvas.getContext('2d')
      pen?.drawImage(video, 0, 0, 1, 1)
      const [r = 0, g = 0, b = 0] = pen?.getImageData(0, 0, 1, 1).data ?? []
      if (r > 150 && g < 120 && b < 120) return 'red'
      if (g > 110 && r < 120 && b < 120) return 'green'
      return b > 150 && r < 120 ? 'blue' : `rgb(${r},${g},${b})`
    }
    return [...document.querySelectorAll('video')].map(name).filter((one) => one !== null).sort()
  })
}
/** Of whom a picture is shown now, but oneself: not black, and in the colour of a camera. */
export function pictured(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const isLit = (video: HTMLVideoElement): boolean => {
      if (video.videoWidth === 0 || video.clientWidth * video.clientHeight === 0) return false
      const canvas = document.createElement('canvas')
      canvas.width = canvas.height = 1
      const pen = canvas.getContext('2d')
      pen?.drawImage(video, 0, 0, 1, 1)
      return Math.max(...(pen?.getImageData(0, 0, 1, 1).data.slice(0, 3) ?? [0])) > 110
    }
    return [...document.querySelectorAll<HTMLElement>('[data-participant]:not([data-testid="self-view"], [data-testid="person"])')]
      .filter((one) => [...one.querySelectorAll('video')].some(isLit))
      .map((one) => one.dataset['participant'] ?? '')
  })
}
export async function expectSeen(page: Page, colours: readonly Seen[], why = 'colours that are seen'): Promise<void> {
  await expect.poll(() => seen(page), { message: why, timeout: 30_000 }).toEqual([...colours].sort())
}

/** Doctor and patient in a call, with nothing else told. */
export async function meet(server: Server, patient: Patient, desk: Desk, person: Person): Promise<void> {
  await patient.appear(server, person)
  await desk.openDesk()
  await desk.callNext()
  await patient.accept()
  await desk.confirm()
  await expectSeen(desk.page, ['blue', 'red'])
  await expectSeen(patient.page, ['blue', 'red'])
}

/** The people panel of a host. */
export class People {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }
  at(id: string): Locator {
    return this.page.getByTestId(id)
  }
  async open(): Promise<void> {
    if (!(await this.at('people').isVisible())) await this.at('control-people').click()
    await expect(this.at('people')).toBeVisible()
  }
  /** Makes a link for somebody. */
  async invite(role: string, name: string): Promise<string> {
    await this.open()
    await this.at('invite-role').selectOption(role)
    await this.page.locator('#invite-name').fill(name)
    const before = (await this.at('invite-link').isVisible()) ? await this.at('invite-link').inputValue() : ''
    await this.at('invite-make').click()
    await expect(this.at('invite-link')).toHaveValue(/\/i#.+/)
    await expect(this.at('invite-link')).not.toHaveValue(before)
    return this.at('invite-link').inputValue()
  }
  person(role: string): Locator {
    return this.page.locator(`[data-testid="person"][data-role="${role}"]`)
  }
}

/** The page behind an invitation. */
export class Invited {
  readonly page: Page
  readonly say: Words

  constructor(page: Page, say: Words) {
    this.page = page
    this.say = say
  }
  at(id: string): Locator {
    return this.page.getByTestId(id)
  }
  async open(link: string): Promise<void> {
    await this.page.goto(link)
    await expect(this.at('guest-landing')).toBeVisible()
  }
  /** To the door. */
  async knock(): Promise<void> {
    await this.at('guest-go').click()
    await expect(this.at('at-door')).toBeVisible()
  }
}
