import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, ref, shallowRef } from 'vue'
import type { Participant } from '@/protocol/live'
import type { ChatMessage } from '@/protocol/staff'
import { newCall, type CallState } from '@/room/state'
import { useDeclined } from './declined'
import { FRESH_MS, useFresh } from './fresh'
import { LASTING_MS, useLasting } from './lasting'

const scope = effectScope()
beforeEach(() => void vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const line = (id: string, attachment: string | null = null): ChatMessage => ({ id, side: 'staff', from: { zh: '医', en: 'D' }, text: id, attachment, at: 0 })
function conversation() {
  const latest = ref<ChatMessage | null>(null)
  const open = ref(false)
  const fresh = scope.run(() => useFresh(() => latest.value, () => open.value))!
  return { latest, open, fresh }
}

describe('a new line of the conversation', () => {
  it('stands over the pictures for some seconds', async () => {
    const { latest, fresh } = conversation()
    latest.value = line('a')
    await nextTick()
    expect(fresh.value?.id).toBe('a')
    vi.advanceTimersByTime(FRESH_MS)
    expect(fresh.value).toBeNull()
  })
  it('does not where the conversation is open, nor does a photo that was asked for', async () => {
    const { latest, open, fresh } = conversation()
    latest.value = line('b', 'b')
    await nextTick()
    expect(fresh.value).toBeNull()
    latest.value = line('c')
    await nextTick()
    open.value = true
    await nextTick()
    expect(fresh.value).toBeNull()
  })
})

const person = (id: string, role: Participant['role']): Participant => ({
  id, role, name: { zh: '', en: '' }, presence: { state: 'here' }, held: false, muted: false,
  media: { microphone: true, camera: true, test_picture: false, quality: 'good', hidden: false, screen: false, rung: 'full' },
})
function room(holds: boolean) {
  const state = shallowRef<CallState>({ ...newCall(), you: 'd', participants: [person('d', 'doctor'), person('p', 'patient')] })
  const declined = scope.run(() => useDeclined(state, () => Promise.resolve(holds), () => true))!
  const ask = (id: string | null) => (state.value = { ...state.value, picture: id === null ? null : { id, of: 'tongue', at: 0 } })
  const settled = () => vi.advanceTimersByTimeAsync(0)
  return { declined, ask, settled }
}

describe('a picture that was asked for', () => {
  it('and that the patient does not want to take now is told to the doctor, until it is asked for again', async () => {
    const { declined, ask, settled } = room(false)
    ask('x')
    ask(null)
    await settled()
    expect(declined.told.value).toBe(true)
    ask('y')
    expect(declined.told.value).toBe(false)
  })
  it('and that came, or that the doctor called off, is not', async () => {
    const came = room(true)
    came.ask('x')
    came.ask(null)
    await came.settled()
    expect(came.declined.told.value).toBe(false)
    const off = room(false)
    off.ask('x')
    off.declined.mine()
    off.ask(null)
    await off.settled()
    expect(off.declined.told.value).toBe(false)
  })
})

describe('a line that breaks', () => {
  it('is told once it has been broken for a moment, and its end at once', () => {
    const broken = ref(true)
    const told = scope.run(() => useLasting(() => broken.value))!
    vi.advanceTimersByTime(LASTING_MS - 1)
    expect(told.value).toBe(false)
    vi.advanceTimersByTime(1)
    expect(told.value).toBe(true)
    broken.value = false
    expect(told.value).toBe(false)
  })
  it('and is back sooner is not told, however often', () => {
    const broken = ref(false)
    const told = scope.run(() => useLasting(() => broken.value))!
    for (let n = 0; n < 5; n += 1) {
      broken.value = true
      vi.advanceTimersByTime(LASTING_MS * 0.9)
      broken.value = false
      vi.advanceTimersByTime(100)
      expect(told.value).toBe(false)
    }
  })
})
