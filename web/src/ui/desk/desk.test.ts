import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, h, nextTick, reactive, shallowRef, type App, type Component } from 'vue'
import type { Desk } from '@/app/desk/desk'
import { EMPTY_HERBAL, type Rx } from '@/app/desk/rx'
import { Sheet } from '@/app/desk/sheet'
import type { Live } from '@/app/live'
import type { Session } from '@/app/session'
import { ApiError } from '@/protocol/http'
import type { Herbal, HerbsFound, Medicines, Prescription, RxContent } from '@/protocol/prescriptions'
import DeskChooser from './DeskChooser.vue'
import HerbalSheet from './rx/HerbalSheet.vue'
import MedicinesSheet from './rx/MedicinesSheet.vue'
import SaveMark from './SaveMark.vue'

let app: App | null = null
beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  app?.unmount()
  vi.useRealTimers()
})
function mount(component: Component, props: Record<string, unknown>): HTMLElement {
  const root = document.createElement('div')
  document.body.replaceChildren(root)
  app = createApp({ render: () => h(component, props) })
  app.mount(root)
  return root
}
const settled = async (): Promise<void> => {
  for (let n = 0; n < 6; n += 1) await nextTick()
}
async function type(field: HTMLInputElement, words: string, event = 'input'): Promise<void> {
  field.value = words
  field.dispatchEvent(new Event(event, { bubbles: true }))
  await settled()
}
const at = (root: HTMLElement, id: string): HTMLInputElement[] => [...root.querySelectorAll<HTMLInputElement>(`[data-testid="${id}"]`)]

/** The open sheet of a visit, with what the components write to it. */
function bench(content: RxContent) {
  const ticks = shallowRef(0)
  const sheet = new Sheet({ id: 'a', version: 1, state: 'draft', content } as Prescription, { save: () => new Promise(() => undefined), later: () => () => undefined, changed: () => void (ticks.value += 1) })
  const see = <T>(read: () => T) => ({ get value() { return void ticks.value, read() } })
  const rx = {
    wrong: see(() => sheet.wrong), begun: see(() => sheet.begun),
    mistype: sheet.mistype.bind(sheet), beginLine: sheet.begin.bind(sheet), removedLine: sheet.removed.bind(sheet),
    herbs: () => Promise.resolve({ herbs: [{ name: '附子' }, { name: '榧子' }], asked: null } as unknown as HerbsFound),
  } as unknown as Rx
  const props = reactive({ rx, sheet: content.herbal ?? content.medicines, findings: [], answers: {}, locked: false, onChange: (next: Herbal | Medicines) => {
    props.sheet = next as never
    sheet.change(content.herbal ? { herbal: next as Herbal } : { medicines: next as Medicines })
  } })
  return { sheet, props }
}
const herbal = (...names: string[]): RxContent => ({ herbal: { ...EMPTY_HERBAL, lines: names.map((written) => ({ written, mg: 9000 })) } })

describe('a sheet of herbs', () => {
  it('says at its field that a number cannot be, keeps what it had, and takes the corrected one', async () => {
    const { sheet, props } = bench(herbal('茯苓'))
    const root = mount(HerbalSheet, props)
    const doses = at(root, 'rx-doses')[0]!
    await type(doses, '999')
    expect([doses.value, doses.getAttribute('aria-invalid'), root.querySelector('#rx-doses-error')?.textContent]).toEqual(['999', 'true', expect.stringContaining('1 到 60')])
    expect([sheet.content.herbal?.doses, sheet.isWhole]).toEqual([3, false])
    const grams = at(root, 'rx-grams')[0]!
    await type(grams, '')
    expect([grams.getAttribute('aria-invalid'), sheet.content.herbal?.lines[0]?.mg]).toEqual(['true', 9000])
    await type(doses, '14')
    await type(grams, '12')
    expect([sheet.content.herbal?.doses, sheet.content.herbal?.lines[0]?.mg, sheet.isWhole, root.querySelectorAll('[aria-invalid]').length]).toEqual([14, 12_000, true, 0])
  })
  it('holds a new line with no grams until somebody chose them, and is not whole before', async () => {
    const { sheet, props } = bench(herbal('茯苓'))
    const root = mount(HerbalSheet, props)
    at(root, 'rx-add')[0]!.click()
    await settled()
    const [, name] = at(root, 'rx-herb')
    expect(document.activeElement).toBe(name)
    expect(at(root, 'rx-grams')[1]?.value).toBe('')
    await type(name!, 'fz')
    name!.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }))
    await settled()
    const weight = at(root, 'rx-grams')[1]!
    expect([name!.value, document.activeElement === weight]).toEqual(['附子', true])
    expect([sheet.content.herbal?.lines.length, sheet.isWhole]).toEqual([1, false])
    await type(weight, '6')
    await type(weight, '6.5')
    expect([sheet.content.herbal?.lines[1], sheet.isWhole, document.activeElement === weight, weight.value]).toEqual([{ written: '附子', mg: 6500 }, true, true, '6.5'])
  })
  it('moves what cannot be with its line when another is taken away', async () => {
    const { sheet, props } = bench(herbal('茯苓', '白术'))
    const root = mount(HerbalSheet, props)
    await type(at(root, 'rx-grams')[1]!, '9000')
    at(root, 'rx-remove')[0]!.click()
    await settled()
    expect([at(root, 'rx-herb').map((one) => one.value), at(root, 'rx-grams').map((one) => one.value), sheet.isWhole]).toEqual([['白术'], ['9000'], false])
    await type(at(root, 'rx-herb')[0]!, '')
    expect([at(root, 'rx-herb')[0]?.getAttribute('aria-invalid'), sheet.content.herbal?.lines[0]?.written]).toEqual(['true', '白术'])
  })
})

describe('a sheet of medicines', () => {
  it('says at its field that a number or an empty word cannot be', async () => {
    const item = { name: '连花清瘟胶囊', kind: 'patent' as const, strength: '0.35 g', dose: '4粒', times_per_day: 3, days: 3 }
    const { sheet, props } = bench({ medicines: { items: [item] } })
    const root = mount(MedicinesSheet, props)
    await type(at(root, 'rx-medicine-times')[0]!, '99')
    await type(at(root, 'rx-medicine-days')[0]!, '400')
    await type(at(root, 'rx-medicine-dose')[0]!, '', 'change')
    expect([...root.querySelectorAll('.fault')].map((one) => one.textContent)).toHaveLength(3)
    expect([sheet.content.medicines?.items[0], sheet.isWhole]).toEqual([item, false])
    await type(at(root, 'rx-medicine-times')[0]!, '2')
    await type(at(root, 'rx-medicine-days')[0]!, '7')
    await type(at(root, 'rx-medicine-dose')[0]!, '3粒', 'change')
    expect([sheet.content.medicines?.items[0], sheet.isWhole]).toEqual([{ ...item, times_per_day: 2, days: 7, dose: '3粒' }, true])
  })
})

describe('the save state', () => {
  it('names the field that is wrong, and leads there', async () => {
    const lead = vi.fn()
    const root = mount(SaveMark, { state: { name: 'refused', error: new ApiError('request.invalid', 422, '', { field: 'content.vitals.temperature' }) }, onLead: lead })
    const button = root.querySelector('button')
    expect(button?.textContent).toContain('体温')
    button?.click()
    await settled()
    expect(lead).toHaveBeenCalledExactlyOnceWith('content.vitals.temperature')
  })
})

describe('the choice of a desk', () => {
  it('is read again when somebody was faster, and when something happened in its clinic', async () => {
    let taken = 0
    const clinic = () => [{ id: 'c', name: { zh: '发热', en: '' }, desks: [1, 2].map((n) => ({ id: `${n}`, name: { zh: `${n}号`, en: '' }, state: n <= taken ? 'open' : 'closed', doctor: n <= taken ? { zh: '甲', en: '' } : null })) }]
    let heard: () => void = () => undefined
    const live = { status: shallowRef({ name: 'open' }), subscribe: (_: string, __: null, hear: () => void) => ((heard = hear), () => undefined) } as unknown as Live
    const openDesk = vi.fn(() => {
      taken = 1
      return Promise.reject(new ApiError('desk.taken', 409, ''))
    })
    const root = mount(DeskChooser, { desk: { openDesk } as unknown as Desk, live, session: { http: { get: () => Promise.resolve(clinic()) } } as unknown as Session })
    await vi.advanceTimersByTimeAsync(1000)
    const may = () => at(root, 'choose-desk').map((one) => one.getAttribute('aria-disabled') !== 'true')
    expect(may()).toEqual([true, true])
    at(root, 'choose-desk')[0]!.click()
    await vi.advanceTimersByTimeAsync(1000)
    expect(may()).toEqual([false, true])
    taken = 2
    heard()
    await vi.advanceTimersByTimeAsync(1000)
    expect(may()).toEqual([false, false])
  })
})
