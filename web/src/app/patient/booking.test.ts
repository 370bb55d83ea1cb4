import { describe, expect, it } from 'vitest'
import { ApiError } from '@/protocol/http'
import type { AppointmentView, WishView } from '@/protocol/booking'
import { checkInState, city, dayWords, giving, isLost, offered, wallWords, walls, wishHere } from './booking'

// 2026-03-01T01:30:00Z
const AT = 1_772_328_600_000

describe('booked time', () => {
  it('tells both walls and both dates where they differ, the place first', () => {
    const told = walls(AT, 'Asia/Shanghai', 'America/New_York', 'en')
    expect(told.map((one) => `${one.day} ${one.time}`)).toEqual(['Sun, March 1, 2026 09:30', 'Sat, February 28, 2026 20:30'])
    // Where a line has no room for all of it.
    expect(told.map((one) => one.date)).toEqual(['Mar 1', 'Feb 28'])
  })

  it('tells one wall where both agree, whatever their names', () => {
    expect(walls(AT, 'Asia/Shanghai', 'Asia/Singapore', 'en')).toHaveLength(1)
  })

  it('says both walls in one line, and the other date where it is another', () => {
    const say = (own: string, what?: 'moment' | 'time') => wallWords(AT, 'Asia/Shanghai', what, own, 'en')
    expect(say('Asia/Singapore')).toBe('Sun, March 1, 2026 09:30')
    expect(say('Asia/Singapore', 'time')).toBe('09:30')
    expect(say('Asia/Tokyo')).toBe('Sun, March 1, 2026 09:30 = Tokyo 10:30')
    expect(say('America/New_York', 'time')).toBe('09:30 = New York Sat, February 28, 2026 20:30')
  })

  it('names a day by its own date in every zone', () => {
    expect(dayWords('2026-03-02', 'en')).toEqual({ date: 'Mar 2', weekday: 'Mon' })
    expect(city('America/Sao_Paulo')).toBe('Sao Paulo')
  })

  it('opens the door half an hour before and closes it after the slot', () => {
    const one = { check_in_from: 10, check_in_until: 20 } as AppointmentView
    expect([9, 10, 20, 21].map((now) => checkInState(one, now))).toEqual(['early', 'open', 'open', 'over'])
  })

  it('says before an appointment is given back what becomes of it', () => {
    const one = { starts_at: 10, is_off: false } as AppointmentView
    expect([9, 10].map((now) => giving(one, now))).toEqual(['text', 'late'])
    expect([9, 10].map((now) => giving({ ...one, is_off: true }, now))).toEqual(['off', 'off'])
  })

  it('shows the wish of this clinic that is not over, an offer first', () => {
    const one = (id: string, state: WishView['state'], link = 'here') => ({ id, state, link }) as WishView
    const all = [one('a', 'left'), one('b', 'waiting'), one('c', 'offered'), one('d', 'offered', 'elsewhere')]
    expect(wishHere(all, 'here')?.id).toBe('c')
    expect(wishHere(all.slice(0, 2), 'here')?.id).toBe('b')
    expect(wishHere(all.slice(0, 1), 'here')).toBeNull()
  })

  it('reads what a loser may have instead, and nothing from other refusals', () => {
    expect(offered(new ApiError('slot.taken', 409, '', { next: [{ id: 'a' }] }))).toHaveLength(1)
    expect(offered(new ApiError('network', 0, ''))).toEqual([])
    expect(offered(null)).toEqual([])
  })

  it('knows a place that is gone from a network that is', () => {
    const codes = ['slot.taken', 'slot.closed', 'network', 'consent.missing', 'appointment.limit']
    expect(codes.map((code) => isLost(new ApiError(code, 409, '')))).toEqual([true, true, false, false, false])
    expect(isLost(null)).toBe(false)
  })
})
