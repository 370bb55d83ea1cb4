import { describe, expect, it } from 'vitest'
import { staying } from './bars'

describe('the bars of a page', () => {
  it('stay while they take no more than a third of the screen together', () => {
    expect(staying({ head: 90, foot: 140, screen: 844 })).toEqual({ head: true, foot: true })
  })

  it('give way when they would take more: the head first, and the foot only when it alone is too high', () => {
    expect(staying({ head: 180, foot: 160, screen: 844 })).toEqual({ head: false, foot: true })
    expect(staying({ head: 250, foot: 330, screen: 844 })).toEqual({ head: true, foot: false })
    expect(staying({ head: 330, foot: 330, screen: 844 })).toEqual({ head: false, foot: false })
  })

  it('never leave less than two thirds to what scrolls between them', () => {
    for (let screen = 200; screen <= 1000; screen += 40) {
      for (let head = 0; head <= 400; head += 25) {
        for (let foot = 0; foot <= 400; foot += 25) {
          const stay = staying({ head, foot, screen })
          expect((stay.head ? head : 0) + (stay.foot ? foot : 0)).toBeLessThanOrEqual(screen / 3)
        }
      }
    }
  })
})
