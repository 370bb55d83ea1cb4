import { describe, expect, it } from 'vitest'
import { t } from '@/i18n'
import type { TicketView } from '@/protocol/types'
import { waitingWords } from './waiting'

const NOW = 1_700_000_000_000
const ticket = { ahead: 3, desks_open: 1, last_call_at: null, estimate: { kind: 'unknown' } } as unknown as TicketView
const words = (more: Partial<TicketView>) => waitingWords({ ...ticket, ...more }, NOW)

describe('the words of the waiting room', () => {
  it('say how many are before one, and who is next', () => {
    expect(words({ ahead: 3 }).ahead).toBe(t('wait.ahead', { n: 3 }))
    expect(words({ ahead: 0 }).ahead).toBe(t('wait.ahead.none'))
    expect(words({ ahead: null }).ahead).toBe('')
  })

  it('give a range, or say that nobody knows and why', () => {
    expect(words({ estimate: { kind: 'range', low_min: 10, high_min: 25 } }).estimate).toBe(t('wait.estimate', { low: 10, high: 25 }))
    expect(words({ desks_open: 1 }).estimate).toBe(t('wait.estimate.unknown'))
    expect(words({ desks_open: 0 }).estimate).toBe(t('wait.estimate.unknown.no_desk'))
  })

  it('say when somebody was called last, and not before a whole minute that it was a minute', () => {
    expect(words({ last_call_at: null }).lastCall).toBe(t('wait.last_call.none'))
    expect(words({ last_call_at: NOW - 59_000 }).lastCall).toBe(t('wait.last_call.now'))
    // A device whose clock is behind says “just now”, never “minus one”.
    expect(words({ last_call_at: NOW + 5_000 }).lastCall).toBe(t('wait.last_call.now'))
    expect(words({ last_call_at: NOW - 7 * 60_000 }).lastCall).toBe(t('wait.last_call.minutes', { n: 7 }))
  })
})
