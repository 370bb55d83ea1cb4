import { afterEach, describe, expect, it } from 'vitest'
import { createApp, h, type App } from 'vue'
import type { Participant } from '@/protocol/live'
import { newCall, type CallState } from '@/room/state'
import StageBanners from './StageBanners.vue'

const me: Participant = {
  id: 'p', role: 'patient', name: { zh: '患', en: 'p' }, presence: { state: 'here' }, held: true, muted: false,
  media: { microphone: true, camera: true, test_picture: false, quality: 'good', hidden: false, screen: false, rung: 'full' },
}
let app: App | null = null
afterEach(() => app?.unmount())
function shown(state: CallState, covered: boolean, what = 'held-banner'): string | null {
  const root = document.createElement('div')
  app = createApp({ render: () => h(StageBanners, { state, now: 0, side: 'patient', phone: '', arrived: false, knocks: false, busy: null, covered }) })
  app.mount(root)
  return root.querySelector(`[data-testid="${what}"]`)?.textContent ?? null
}

describe('the banners of a call', () => {
  const held: CallState = { ...newCall(), phase: { name: 'live' }, you: 'p', participants: [me] }
  it('say that one is held apart while the conversation covers the place where it stands', () => {
    expect(shown(held, true)).toContain('听不到')
    expect(shown(held, false)).toBeNull()
    expect(shown({ ...held, participants: [{ ...me, held: false }] }, true)).toBeNull()
  })

  it('say what does not arrive, to whom it is sent and to whom it should come', () => {
    const doctor: Participant = { ...me, id: 'd', role: 'doctor', held: false, name: { zh: '王', en: 'w' }, misses: [{ source: 'p', name: 'microphone' }] }
    const state = { ...held, participants: [{ ...me, held: false }, doctor] }
    expect(shown(state, false, 'missed')).toContain('您的声音')
    expect(shown({ ...state, you: 'd' }, false, 'missed')).toContain('没有传到您这里')
  })

  it('say what the server did not take, and that the call goes on', () => {
    expect(shown({ ...held, forgone: 'others' }, false, 'forgone')).toContain('通话照常')
    expect(shown({ ...held, forgone: 'screen' }, false, 'forgone')).toContain('屏幕')
    expect(shown(held, false, 'forgone')).toBeNull()
  })
})
