import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, h, nextTick, shallowRef, type App, type Component } from 'vue'
import type { Call } from '@/app/call'
import type { Inviting } from '@/app/inviting'
import type { Live } from '@/app/live'
import { FakePc } from '@/media/testing'
import type { Knock, Participant, ParticipantRole, RoomState, ServerMessage } from '@/protocol/live'
import { newCall, type CallState } from '@/room/state'
import CallStage from './CallStage.vue'
import StageView from './StageView.vue'

let app: App | null = null
let root: HTMLElement
beforeEach(() => void vi.stubGlobal('RTCPeerConnection', FakePc))
afterEach(() => {
  app?.unmount()
  vi.unstubAllGlobals()
})
function mount(component: Component, props: Record<string, unknown>): void {
  root = document.createElement('div')
  document.body.replaceChildren(root)
  app = createApp({ render: () => h(component, props) })
  app.mount(root)
}
const at = (id: string): HTMLElement | null => root.querySelector(`[data-testid="${id}"]`)
const settled = async (): Promise<void> => {
  for (let n = 0; n < 8; n += 1) await nextTick()
}
const person = (id: string, role: ParticipantRole): Participant => ({
  id, role, name: { zh: `演示${id}`, en: id }, presence: { state: 'here' }, held: false, muted: false,
  media: { microphone: true, camera: true, test_picture: false, quality: 'good', hidden: false, screen: false, rung: 'full' },
})

describe('the large picture', () => {
  function seen(...others: Participant[]): void {
    const state: CallState = { ...newCall(), phase: { name: 'live' }, purpose: 'visit', room: 'r', you: 'd', participants: [person('d', 'doctor'), ...others] }
    mount(StageView, { layout: 'grid', call: { state: shallowRef(state), streams: shallowRef(new Map()), self: shallowRef(null), camera: shallowRef(true), microphone: shallowRef(true) } as unknown as Call })
  }
  it('of somebody invited carries the name, also where the two of them are alone', () => {
    seen(person('f', 'family'))
    expect(at('large-name')?.textContent).toBe('家属 演示f')
  })
  it('of the patient alone needs none: who that is stands below', () => {
    seen(person('p', 'patient'))
    expect(at('large-name')).toBeNull()
  })
})

describe('a knock', () => {
  it('is seen with the panel of people open, too, and leads to the door in it', async () => {
    let hear: (message: ServerMessage) => void = () => undefined
    const nothing = () => undefined
    const live = { status: shallowRef({ name: 'open' }), command: () => Promise.resolve(), listen: (listener: typeof hear) => ((hear = listener), nothing), now: () => 0, start: nothing, calling: nothing, slow: nothing, back: nothing, doubt: nothing, clear: nothing } as unknown as Live
    const inviting = { list: shallowRef([]) } as unknown as Inviting
    mount(CallStage, { live, inviting, grant: () => Promise.resolve({ room: 'r', grant: 'g', demo: false }), side: 'staff', size: 'desk', purpose: 'visit', auto: true })
    await settled()
    const room: RoomState = { room: 'r', epoch: 1, purpose: 'visit', you: 'd', opened_at: 0, recording: false, door: [], picture: null, participants: [person('d', 'doctor'), person('p', 'patient')] }
    hear({ type: 'room', room })
    await settled()
    at('control-people')?.click()
    await settled()
    const list = root.querySelector<HTMLElement>('[data-testid="people"] .list')!
    list.scrollTop = 300
    hear({ type: 'room', room: { ...room, door: [{ ...person('f', 'family') } as Knock] } })
    await settled()
    expect(at('knock')?.textContent).toContain('演示f')
    at('knock-see')?.click()
    await settled()
    expect([at('people') !== null, list.scrollTop]).toEqual([true, 0])
  })
})
