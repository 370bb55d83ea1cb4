import { afterEach, describe, expect, it, vi } from 'vitest'
import { createApp, h, nextTick, type App } from 'vue'
import type { Choice, Pulse } from '@/protocol/record'
import PulseGrid from './PulseGrid.vue'
import TermPicker from './TermPicker.vue'

const choice = (code: string, zh: string, en: string, initials: string): Choice => ({ code, text: { zh, en }, initials: [initials] })
const PULSES = [choice('pulse.fu', '浮脉', 'floating pulse', 'fm'), choice('pulse.hong', '洪脉', 'surging pulse', 'hm'), choice('pulse.hua', '滑脉', 'slippery pulse', 'hm')]
let app: App | null = null
afterEach(() => app?.unmount())

function mount(component: object, props: Record<string, unknown>): HTMLElement {
  const root = document.createElement('div')
  document.body.append(root)
  app = createApp({ render: () => h(component, props) })
  app.mount(root)
  return root
}
function input(root: HTMLElement): HTMLInputElement {
  return root.querySelector('input[role="combobox"]') ?? document.createElement('input')
}
async function type(field: HTMLInputElement, words: string): Promise<void> {
  field.value = words
  field.dispatchEvent(new Event('input', { bubbles: true }))
  for (let n = 0; n < 5; n += 1) await nextTick()
}
async function press(field: HTMLInputElement, key: string): Promise<void> {
  field.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
  for (let n = 0; n < 5; n += 1) await nextTick()
}

describe('a picker of terms', () => {
  const picker = (props: Record<string, unknown> = {}) => {
    const [add, remove] = [vi.fn(), vi.fn()]
    const root = mount(TermPicker, { id: 'p', label: 'pulse', choices: PULSES, chosen: [], locked: false, onAdd: add, onRemove: remove, ...props })
    return { add, remove, field: input(root), root }
  }

  it('takes the first by its initials and Enter', async () => {
    const { add, field } = picker()
    await type(field, 'hm')
    await press(field, 'Enter')
    expect(add).toHaveBeenCalledExactlyOnceWith(PULSES[1])
    expect(field.value).toBe('')
  })

  it('takes the next after the arrow', async () => {
    const { add, field } = picker()
    await type(field, 'hm')
    await press(field, 'ArrowDown')
    await press(field, 'Enter')
    expect(add).toHaveBeenCalledExactlyOnceWith(PULSES[2])
  })

  it('takes nothing by Enter alone, and the last away by Backspace', async () => {
    const { add, remove, field } = picker({ chosen: [PULSES[0]] })
    await press(field, 'Enter')
    expect(add).not.toHaveBeenCalled()
    await press(field, 'Backspace')
    expect(remove).toHaveBeenCalledExactlyOnceWith('pulse.fu')
  })

  it('says that nothing was found, and offers nothing twice', async () => {
    const { field, root } = picker({ chosen: [PULSES[1]] })
    await type(field, 'hm')
    expect(root.querySelectorAll('[role="option"]').length).toBe(1)
    await type(field, 'zzz')
    expect(root.querySelector('[role="status"]')).not.toBeNull()
  })

  it('of a signed note cannot be typed into', () => {
    expect(picker({ locked: true }).root.querySelector('input')).toBeNull()
  })
})

describe('the pulse', () => {
  const grid = (pulse: Pulse | undefined, beside = false) => {
    const change = vi.fn<(pulse: Pulse) => void>()
    return { change, root: mount(PulseGrid, { pulse, pulses: PULSES, beside, locked: false, onChange: change }) }
  }

  it('that was not taken is said with its reason', () => {
    const { root } = grid({ state: 'not_taken', why: 'remote' })
    expect(root.querySelector<HTMLInputElement>('[data-testid="pulse-remote"]')?.checked).toBe(true)
    expect(root.querySelectorAll('[role="combobox"]').length).toBe(0)
  })

  it('is felt by hand only beside the patient', () => {
    const hand = (beside: boolean) => grid(undefined, beside).root.querySelector<HTMLInputElement>('[data-testid="pulse-practitioner"]')?.disabled
    expect(hand(false)).toBe(true)
    expect(hand(true)).toBe(false)
  })

  it('is written into all six positions in one stroke', async () => {
    const { change, root } = grid({ state: 'taken', by: 'device' })
    await type(input(root), 'fm')
    await press(input(root), 'Enter')
    const six = { cun: ['pulse.fu'], guan: ['pulse.fu'], chi: ['pulse.fu'] }
    expect(change).toHaveBeenCalledExactlyOnceWith({ state: 'taken', by: 'device', left: six, right: six })
  })
})
