import { describe, expect, it } from 'vitest'
import { commandOf, COMMANDS, keyOf } from './keys'

const press = (code: string, part: Partial<KeyboardEvent> = {}) => ({ altKey: true, ctrlKey: false, metaKey: false, shiftKey: false, isComposing: false, repeat: false, code, ...part })

describe('the keyboard of the desk', () => {
  it('has one key for every command', () => {
    const keys = COMMANDS.map(keyOf)
    expect(new Set(keys).size).toBe(COMMANDS.length)
    expect(keyOf('call_next')).toBe('Alt+N')
    expect(keyOf('outcome_1')).toBe('Alt+1')
  })
  it('hears only Alt with a letter or a digit', () => {
    expect(commandOf(press('Digit5'))).toBe('outcome_5')
    expect(commandOf(press('KeyN'))).toBe('call_next')
    expect(commandOf(press('KeyN', { altKey: false }))).toBeNull()
    expect(commandOf(press('KeyN', { ctrlKey: true }))).toBeNull()
    expect(commandOf(press('KeyZ'))).toBeNull()
  })
  it('does not call a second patient because a key was held, nor in the middle of a Chinese word', () => {
    expect(commandOf(press('KeyN', { repeat: true }))).toBeNull()
    expect(commandOf(press('KeyN', { isComposing: true }))).toBeNull()
  })
})
