import { describe, expect, it, vi } from 'vitest'
import { useLookup } from './lookup'

/** A question that is answered by hand. */
function question() {
  let answer: (found: string) => void = () => undefined
  const asked = new Promise<string>((resolve) => (answer = resolve))
  return { ask: () => asked, answer: (found: string) => answer(found) }
}

describe('what is looked up while somebody types', () => {
  it('lets an Enter wait for the answer to what is typed, never take what was found for less', async () => {
    const lookup = useLookup('')
    const taken = vi.fn()
    await lookup.ask(() => 'of s')
    const whole = question()
    const done = lookup.ask(whole.ask)
    lookup.whenAnswered(() => taken(lookup.found.value))
    expect(taken).not.toHaveBeenCalled()
    whole.answer('of sxgm')
    await done
    expect(taken).toHaveBeenCalledExactlyOnceWith('of sxgm')
  })

  it('drops an answer that comes too late, and an Enter whose question was typed over', async () => {
    const lookup = useLookup('')
    const taken = vi.fn()
    const [first, second] = [question(), question()]
    const one = lookup.ask(first.ask)
    lookup.whenAnswered(taken)
    const two = lookup.ask(second.ask)
    second.answer('second')
    await two
    first.answer('first')
    await one
    expect([lookup.found.value, taken.mock.calls.length]).toEqual(['second', 0])
  })

  it('acts at once where nothing is asked, and after a failure with nothing', async () => {
    const lookup = useLookup('')
    const taken = vi.fn()
    lookup.whenAnswered(() => taken('idle'))
    await lookup.ask(() => Promise.reject(new Error('away')))
    lookup.whenAnswered(() => taken(lookup.found.value))
    lookup.clear()
    expect(taken.mock.calls).toEqual([['idle'], ['']])
  })
})
