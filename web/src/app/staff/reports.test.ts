import { describe, expect, it } from 'vitest'
import { leftOf, leftWords } from './reports'

const MINUTE = 60_000
const DUE = 1_600_000_000_000

describe('the time that is left for a report', () => {
  it('is never more than there is, and a delay never less than a whole minute of it', () => {
    expect(leftOf(DUE, DUE - 120 * MINUTE)).toEqual({ late: false, hours: 2, minutes: 0 })
    expect(leftOf(DUE, DUE - 120 * MINUTE + 1)).toEqual({ late: false, hours: 1, minutes: 59 })
    expect(leftOf(DUE, DUE - 1)).toEqual({ late: false, hours: 0, minutes: 0 })
    expect(leftOf(DUE, DUE)).toEqual({ late: true, hours: 0, minutes: 0 })
    expect(leftOf(DUE, DUE + 61 * MINUTE)).toEqual({ late: true, hours: 1, minutes: 1 })
  })

  it('is said in words', () => {
    expect(leftWords(DUE, DUE - 61 * MINUTE)).toBe('还剩 1 小时 1 分')
    expect(leftWords(DUE, DUE + 61 * MINUTE)).toBe('已超时 1 小时 1 分')
  })
})
