import { expect, it } from 'vitest'
import { COUNTED_MS, PAUSES_MS, Refusals } from './refusals'

it('an answer that is refused now and then costs nothing, and those that are refused in a row the longer, and then no more', () => {
  const seldom = new Refusals()
  for (let n = 0; n < 10; n += 1) expect(seldom.note(n * COUNTED_MS)).toBe(0)
  const odd = new Refusals()
  let now = 0
  for (const wait of [...PAUSES_MS, null]) {
    expect(odd.note(now)).toBe(wait)
    now += (wait ?? 0) + 100
  }
})
