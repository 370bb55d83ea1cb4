import { afterEach, describe, expect, it, vi } from 'vitest'
import { createApp, h, nextTick, shallowReactive, type App } from 'vue'
import type { Desk } from '@/app/desk/desk'
import type { CurrentPatient } from '@/protocol/staff'
import DroppedBanner from './DroppedBanner.vue'

let app: App | null = null
afterEach(() => app?.unmount())
function banner(left: 'left' | 'absent' | null, current: Partial<CurrentPatient> = {}) {
  const act = vi.fn(() => Promise.resolve())
  const props = shallowReactive({ desk: { act } as unknown as Desk, current: { phase: 'serving', offline_since: null, ring_until: null, ...current } as CurrentPatient, now: () => 10_000, stale: false, left })
  const root = document.createElement('div')
  app = createApp({ render: () => h(DroppedBanner, props) })
  app.mount(root)
  return { act, props, at: (id: string) => root.querySelector<HTMLElement>(`[data-testid="${id}"]`) }
}

describe('a patient who hung up and whose page is open', () => {
  it('is told to the doctor, who can let the page ring, and stop that', async () => {
    const { act, props, at } = banner('left')
    expect([at('hung-up')?.textContent, at('dropped')]).toEqual([expect.stringContaining('患者已离开诊室'), null])
    at('dropped-ring')?.click()
    await nextTick()
    expect(act).toHaveBeenCalledWith('ring')
    props.current = { ...props.current, ring_until: 40_000 }
    await nextTick()
    at('dropped-quiet')?.click()
    await nextTick()
    expect(act).toHaveBeenLastCalledWith('end-ring')
    // Nobody who is there is put back into the queue as lost.
    expect([at('dropped-phone') !== null, at('dropped-put-back')]).toEqual([true, null])
  })
  it('is spoken of no longer once back in the call, and as dropped out once the page is gone', async () => {
    const { props, at } = banner(null)
    expect([at('hung-up'), at('dropped')]).toEqual([null, null])
    props.left = 'absent'
    await nextTick()
    expect(at('hung-up')?.textContent).toContain('患者不在诊室里')
    Object.assign(props, { left: 'left', current: { ...props.current, offline_since: 1_000 } })
    await nextTick()
    expect([at('hung-up'), at('dropped') !== null, at('dropped-put-back') !== null]).toEqual([null, true, true])
  })
})
