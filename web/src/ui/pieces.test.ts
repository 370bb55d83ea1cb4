import { afterEach, describe, expect, it } from 'vitest'
import { createApp, h, nextTick, ref, type App } from 'vue'
import { t } from '@/i18n'
import Modal from './kit/Modal.vue'
import SlotGrid from './patient/booking/SlotGrid.vue'

let app: App | null = null
afterEach(() => {
  app?.unmount()
  document.body.replaceChildren()
})
async function settle(): Promise<void> {
  for (let n = 0; n < 20; n += 1) {
    await Promise.resolve()
    await nextTick()
  }
}
async function open(component: object, props: () => Record<string, unknown>, slots: object = {}): Promise<void> {
  const root = document.createElement('div')
  document.body.append(root)
  app = createApp({ setup: () => () => h(component as never, props(), slots) })
  app.mount(root)
  await settle()
}

describe('the times to which an appointment may be moved', () => {
  it('name the present one, and do not call it full', async () => {
    const slot = (id: string, free: number) => ({ id, free, doctor: 'd', doctor_name: { zh: '甲', en: 'A' }, starts_at: 0, ends_at: 1, zone: 'Asia/Shanghai' })
    const view = { clinic: 'c', zone: 'Asia/Shanghai', day: '1970-01-01', days: [{ day: '1970-01-01', free: 1 }], slots: [slot('mine', 0), slot('full', 0), slot('free', 1)] }
    await open(SlotGrid, () => ({ booking: { slots: async () => view }, chosen: null, own: 'mine' }))
    const said = [...document.querySelectorAll<HTMLButtonElement>('.time')].map((one) => [one.textContent?.replace(/[\d:\s]/g, ''), one.disabled])
    expect(said).toEqual([[t('booking.own').replace(/\s/g, ''), true], [t('booking.full'), true], ['', false]])
  })
})

describe('a dialog', () => {
  const shown = ref(false)
  it('begins at what is to be filled in, and where nothing is, at its own words', async () => {
    await open(Modal, () => ({ open: shown.value, title: '标题' }), { default: () => h('input', { id: 'first' }), actions: () => h('button', { id: 'act' }, '好') })
    shown.value = true
    await settle()
    expect(document.activeElement?.id).toBe('first')
    app?.unmount()
    document.body.replaceChildren()
    shown.value = false
    await open(Modal, () => ({ open: shown.value, title: '标题' }), { actions: () => h('button', { id: 'act' }, '好') })
    shown.value = true
    await settle()
    expect(document.activeElement?.getAttribute('role')).toBe('dialog')
  })
})
