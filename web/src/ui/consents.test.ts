import { afterEach, describe, expect, it } from 'vitest'
import { createApp, h, nextTick, provide, ref, type App } from 'vue'
import { NOTHING_KNOWN } from '@/app/patient/flow'
import { PATIENT } from '@/app/patient/store'
import { t } from '@/i18n'
import type { ConsentRecord, ConsentText } from '@/protocol/types'
import ConsentCard from './patient/parts/ConsentCard.vue'
import MyConsents from './patient/parts/MyConsents.vue'

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
async function open(component: object, props: () => Record<string, unknown>, store?: unknown): Promise<void> {
  const root = document.createElement('div')
  document.body.append(root)
  app = createApp({
    setup() {
      if (store) provide(PATIENT, store as never)
      return () => h(component as never, props())
    },
  })
  app.mount(root)
  await settle()
}
async function press(id: string): Promise<void> {
  document.body.querySelector<HTMLElement>(`[data-testid="${id}"]`)!.click()
  await settle()
}
const words = (): string => document.body.textContent ?? ''

const text = (kind: ConsentText['kind'], required = true): ConsentText => ({ kind, version: `${kind}-1`, required, title: { zh: kind, en: kind }, paragraphs: [] })
const yes = (kind: ConsentText['kind'], at = 1): ConsentRecord => ({ kind, version: `${kind}-1`, granted: true, at })

describe('a consent on its page', () => {
  it('is undone where it was given, and says what follows', async () => {
    const decision = ref<ConsentRecord | undefined>(yes('treatment'))
    const decide = async (granted: boolean) => void (decision.value = { ...yes('treatment', 2), granted })
    await open(ConsentCard, () => ({ text: text('treatment'), decision: decision.value, decide }))
    expect(words()).toContain(t('consent.agreed'))
    await press('consent-undo')
    expect(decision.value?.granted).toBe(false)
    expect(words()).toContain(t('consent.refused.required'))
    expect(words()).toContain(t('consent.agree'))
  })
})

describe('what somebody agreed to', () => {
  const person = { id: 'p', name_masked: '演**' }
  const texts = [text('treatment'), text('sensitive_data'), text('process_record', false)]
  function storeOf(sent: unknown[]) {
    const http = {
      get: async () => [yes('treatment'), yes('process_record', 1), { ...yes('process_record', 2), granted: false }],
      post: async (path: string, body: object) => {
        sent.push([path, body])
        return { ...body, at: 3 }
      },
    }
    return { known: { ...NOTHING_KNOWN, texts }, session: { http } }
  }

  it('is withdrawn after a page that says what follows, and not by one press', async () => {
    const sent: unknown[] = []
    await open(MyConsents, () => ({ person }), storeOf(sent))
    await press('my-consents-open')
    // The newest decision counts: what was taken back is not offered again.
    expect(document.querySelector('[data-testid="withdraw-process_record"]')).toBeNull()
    expect(document.querySelector('[data-testid="my-consent-sensitive_data"]')?.textContent).toContain(t('consents.none'))
    await press('withdraw-treatment')
    expect(words()).toContain(t('consents.after.treatment'))
    expect(sent).toEqual([])
    await press('withdraw-yes')
    expect(sent).toEqual([['/patients/p/consents', { kind: 'treatment', version: 'treatment-1', granted: false }]])
    const row = document.querySelector('[data-testid="my-consent-treatment"]')?.textContent
    expect(row).toContain(t('consents.after.treatment'))
    expect(document.querySelector('[role="dialog"]')).toBeNull()
  })
})
