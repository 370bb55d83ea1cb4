import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, h, nextTick, provide, type App } from 'vue'
import { PATIENT, type PatientStore } from '@/app/patient/store'
import { t } from '@/i18n'
import type { Answers } from '@/protocol/types'
import DeclarationScreen from './patient/screens/DeclarationScreen.vue'

const words = (text: string) => ({ zh: text, en: text })
const file = {
  version: '1',
  pages: [
    { id: 'heat', title: words('体温'), items: [{ link_id: 'heat', type: 'decimal', text: words('现在的体温'), required: true, min: 30, max: 45, unit: 'Cel' }] },
    { id: 'sick', title: words('症状'), items: [{ link_id: 'sick', type: 'boolean', text: words('恶心'), required: true }] },
    { id: 'last', title: words('核对'), items: [{ link_id: 'true', type: 'boolean', text: words('以上属实'), required: true, pledge: true }] },
  ],
}

let app: App | null = null
let sent: Answers = {}
beforeEach(() => vi.stubGlobal('scrollTo', () => undefined))
afterEach(() => {
  app?.unmount()
  document.body.replaceChildren()
  vi.unstubAllGlobals()
})

async function settle(): Promise<void> {
  for (let n = 0; n < 20; n += 1) {
    await Promise.resolve()
    await nextTick()
  }
}
async function open(): Promise<void> {
  let view = { id: 'd', patient: 'p', questionnaire: '1', version: 1, answers: {} as Answers, missing: [], saved_at: 0 }
  const store = {
    known: { patient: { id: 'p', age_years: 30, sex: 'female' }, declaration: null },
    memory: { get: () => null, set: () => undefined },
    session: { http: { get: async () => file } },
    alreadyDenied: () => [],
    beginDeclaration: async () => view,
    fetchDeclaration: async () => view,
    saveAnswers: async (_: string, version: number, changed: Answers) => (view = { ...view, version: version + 1, answers: { ...view.answers, ...changed } }),
    submitDeclaration: async () => void (sent = view.answers),
  } as unknown as PatientStore
  const root = document.createElement('div')
  document.body.append(root)
  app = createApp({
    setup() {
      provide(PATIENT, store)
      return () => h(DeclarationScreen)
    },
  })
  app.mount(root)
  await settle()
}
async function type(id: string, text: string): Promise<HTMLInputElement> {
  const field = document.getElementById(id) as HTMLInputElement
  field.focus()
  field.value = text
  field.dispatchEvent(new Event('input', { bubbles: true }))
  await settle()
  return field
}
async function choose(id: string, value: 'yes' | 'no'): Promise<void> {
  const box = document.querySelector<HTMLInputElement>(`input[name="${id}"][value="${value}"]`)
  box?.click()
  await settle()
}
async function next(): Promise<void> {
  document.querySelector('form')?.dispatchEvent(new Event('submit', { cancelable: true }))
  await settle()
}
const summary = () => document.querySelector('.summary')
const title = () => document.getElementById('page-title')?.textContent

describe('the declaration', () => {
  it('says no more what was wrong when it is right, and takes the focus from nobody who types', async () => {
    await open()
    await type('q-heat', '三十八度二')
    await next()
    expect(summary()?.textContent).toContain('现在的体温')
    expect(document.activeElement).toBe(summary())
    const field = await type('q-heat', '3')
    expect([summary() !== null, document.activeElement === field]).toEqual([true, true])
    await type('q-heat', '38.2')
    expect(summary()).toBeNull()
    expect(document.activeElement).toBe(field)
    // Wrong again, and asked to go on again: said again.
    await type('q-heat', '382')
    await next()
    expect(document.activeElement).toBe(summary())
  })

  it('shows every answer before it is sent, and leads to each and back', async () => {
    await open()
    await type('q-heat', '38,2')
    await next()
    await choose('q-sick', 'no')
    await next()
    expect(title()).toBe('核对')
    const lines = () => [...document.querySelectorAll<HTMLElement>('[data-testid="answers"] button')]
    expect(lines().map((one) => [...one.querySelectorAll('.words > span')].map((part) => part.textContent))).toEqual([
      ['现在的体温', expect.stringContaining('38.2')],
      ['恶心', t('common.no')],
    ])
    lines()[0]?.click()
    await settle()
    expect([title(), document.activeElement?.id]).toEqual(['体温', 'q-heat'])
    await type('q-heat', '39.6')
    await next()
    expect([title(), lines()[0]?.textContent]).toEqual(['核对', expect.stringContaining('39.6')])
    await choose('q-true', 'yes')
    await next()
    expect(sent).toEqual({ heat: 39.6, sick: false, true: true })
  })
})
