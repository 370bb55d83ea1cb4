import { describe, expect, it, vi } from 'vitest'
import { createProving } from './proving'
import { createSession } from './session'

describe('the question who sits there', () => {
  it('is one for all that wait, and a proof lets all of them go on', async () => {
    const send = vi.fn(async () => undefined)
    const proving = createProving(send)
    expect(proving.asked.value).toBe(false)
    const both = Promise.all([proving.ask(), proving.ask()])
    expect(proving.asked.value).toBe(true)
    await proving.prove({ password: 'right' })
    await expect(both).resolves.toEqual([true, true])
    expect([proving.asked.value, send.mock.calls.length]).toEqual([false, 1])
  })

  it('stands after a wrong proof, and whoever gives up goes nowhere', async () => {
    const proving = createProving(async () => Promise.reject(new Error('wrong')))
    const asked = proving.ask()
    await expect(proving.prove({ password: 'wrong' })).rejects.toThrow('wrong')
    expect(proving.asked.value).toBe(true)
    proving.giveUp()
    await expect(asked).resolves.toBe(false)
    expect(proving.asked.value).toBe(false)
  })

  it('goes with whoever was asked: the next one to sign in is not, and sends nothing of theirs', async () => {
    const session = createSession(sessionStorage, 'proving')
    const asked = session.proving.ask()
    session.forget()
    await expect(asked).resolves.toBe(false)
    expect(session.proving.asked.value).toBe(false)
  })
})
