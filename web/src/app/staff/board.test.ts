import { describe, expect, it } from 'vitest'
import type { AlarmView, Board, TicketRow } from '@/protocol/staff'
import type { Level, TicketPhase } from '@/protocol/types'
import { byLevel, decisionOf, figuresOf, inOtherHands, isUnderWay, lineOf, mayCallBooked, mayChangeLevel, mine, minutesSeconds, recheckMinutes, ringing, unlisted, speechOf, waitedMinutes, waitingCount, waitTone, inOneLine } from './board'

const row = (no: number, level: Level, phase: TicketPhase = 'waiting'): TicketRow => ({
  id: String(no), clinic: 'c', no, phase, version: 1, level, matched: [], reasons: [], patient: 'p', name_masked: '演*', age_years: 60, sex: 'female',
  arrived_at: 0, retriage_due: null, nurse_call: false, missed: 0, online: true, desk: null, desk_name: null, moved: null, check: null,
})
const board = (...tickets: TicketRow[]): Board => ({ clinic: 'c', clinic_name: { zh: '', en: '' }, tickets, alarms: [], desks: [], done_today: 0, seq: 1, as_of: 0 })
const alarm = (id: string, part: Partial<AlarmView> = {}): AlarmView => ({
  id, clinic: 'c', kind: 'red_flag', reasons: [], ticket: null, raised_at: Number(id), taken_by: null, mine: false, taken_at: null, closed_at: null, online: true, behind: 0, contact: null, ...part,
})

describe('the queue by level', () => {
  it('keeps the order of calling inside a level and leaves out empty levels', () => {
    const groups = byLevel(board(row(9, 'STANDARD', 'serving'), row(3, 'URGENT'), row(4, 'STANDARD'), row(1, 'STANDARD')))
    expect(groups.map((group) => [group.level, group.rows.map((one) => one.no)])).toEqual([['URGENT', [3]], ['STANDARD', [4, 1]]])
  })
  it('counts only those who can be called', () => {
    const all = board(row(1, 'URGENT'), row(2, 'EMERGENCY', 'emergency'), row(3, 'STANDARD', 'called'))
    expect(waitingCount(all)).toBe(1)
    expect(all.tickets.filter(isUnderWay).map((one) => one.no)).toEqual([3])
  })
})

describe('waiting', () => {
  it('is long after a quarter of an hour, very long after half', () => {
    expect([14, 15, 29, 30].map(waitTone)).toEqual(['calm', 'long', 'long', 'very_long'])
    expect(waitedMinutes({ arrived_at: 0 }, 179_999)).toBe(2)
    expect(waitedMinutes({ arrived_at: 5000 }, 0)).toBe(0)
  })
  it('says when the next questions are due, or overdue', () => {
    expect(recheckMinutes({ ...row(1, 'URGENT'), retriage_due: 600_000 }, 60_000)).toBe(9)
    expect(recheckMinutes({ ...row(1, 'URGENT'), retriage_due: 0 }, 60_000)).toBe(-1)
    expect(recheckMinutes(row(1, 'URGENT'), 0)).toBeNull()
  })
  it('counts down in minutes and seconds', () => {
    expect([90_000, 61_000, 500, -5].map(minutesSeconds)).toEqual(['1:30', '1:01', '0:01', '0:00'])
  })
})

describe('a booked ticket', () => {
  const booked = { starts_at: 0, zone: 'Asia/Shanghai', doctor: 'a', doctor_name: { zh: '甲', en: 'A' }, waits_until: 100 }
  it('waits for its doctor until its time is over', () => {
    expect(mayCallBooked({ ...row(1, 'STANDARD'), booked }, 'a', 50)).toBe('mine')
    expect(mayCallBooked({ ...row(1, 'STANDARD'), booked }, 'b', 50)).toBe('waits')
    expect(mayCallBooked({ ...row(1, 'STANDARD'), booked }, 'b', 100)).toBe('anybody')
    expect(mayCallBooked(row(1, 'STANDARD'), 'b', 50)).toBeNull()
  })
  it('that is urgent is called by whoever is free', () => {
    expect(mayCallBooked({ ...row(1, 'URGENT'), booked }, 'b', 50)).toBe('urgent')
  })
})

describe('alarms', () => {
  it('ring oldest first until somebody takes them', () => {
    expect(ringing([alarm('7'), alarm('3'), alarm('5', { taken_at: 1 }), alarm('1', { kind: 'nurse_call' })]).map((one) => one.id)).toEqual(['3', '7'])
  })
  it('that no line of the list holds are counted', () => {
    expect([unlisted([]), unlisted([alarm('1')]), unlisted([alarm('1', { unlisted: 7 }), alarm('2', { unlisted: 7 })])]).toEqual([0, 0, 7])
  })
  it('are mine until I close them', () => {
    expect(mine([alarm('1', { mine: true, taken_at: 1 }), alarm('2', { mine: true, closed_at: 2 })]).map((one) => one.id)).toEqual(['1'])
  })
})

describe('a line', () => {
  it('stays open for who was on it when a doctor takes over, and ends when the alarm is handed back or closed', () => {
    expect(lineOf([alarm('1', { mine: true, taken_at: 1 })], '1')?.id).toBe('1')
    expect(lineOf([alarm('1', { mine: false, taken_at: 2 })], '1')?.id).toBe('1')
    expect(lineOf([alarm('1')], '1')).toBeNull()
    expect(lineOf([alarm('1', { taken_at: 2, closed_at: 3 })], '1')).toBeNull()
    expect(lineOf([alarm('1', { taken_at: 2 })], null)).toBeNull()
  })
  it('of a colleague is shown as taken, a call of a nurse to a patient is not', () => {
    const all = [alarm('1', { taken_at: 1 }), alarm('2', { taken_at: 1, mine: true }), alarm('3'), alarm('4', { kind: 'nurse_call', taken_at: 1 })]
    expect(inOtherHands(all).map((one) => one.id)).toEqual(['1'])
  })
})

describe('changing a level', () => {
  it.each([
    ['STANDARD', 'URGENT', 'nurse', '', 'ok'],
    ['URGENT', 'STANDARD', 'nurse', '', 'reason'],
    ['URGENT', 'STANDARD', 'nurse', '复测正常', 'ok'],
    ['EMERGENCY', 'URGENT', 'nurse', '复测正常', 'doctor'],
    ['EMERGENCY', 'URGENT', 'doctor', '复测正常', 'ok'],
    ['URGENT', 'URGENT', 'doctor', '', 'same'],
  ] as const)('%s to %s by a %s with reason "%s": %s', (from, to, role, reason, answer) => {
    expect(mayChangeLevel(from, to, role, reason)).toBe(answer)
  })
})

describe('what a patient said', () => {
  it('is short, in figures, and leaves out what was not said', () => {
    expect(figuresOf({ temperature: 38.6, fever_days: 2, spo2: 93 })).toEqual(['38.6 ℃', '发热 2 天', 'SpO₂ 93 %'])
    expect(figuresOf({ temperature: 39, fever_days: 0, breaths: 22, pulse: 110 })).toEqual(['39.0 ℃', '呼吸 22 次/分', '脉搏 110 次/分'])
    expect([figuresOf({}), figuresOf(undefined)]).toEqual([[], []])
  })
  it('tells how to speak, where it is not simply in Chinese', () => {
    expect(speechOf({ language: 'en', needs: ['interpreter'] })).toEqual(['英语', '要口译'])
    expect(speechOf({ language: 'zh-CN', needs: ['sign', 'a-later-need' as never] })).toEqual(['手语'])
    expect([speechOf({ language: 'zh-CN' }), speechOf(undefined)]).toEqual([[], []])
  })
})

describe('a level that a person set', () => {
  it('says who and why, and nothing where the rules decided', () => {
    const by = { zh: '护士', en: '护士' }
    expect(decisionOf({})).toBe(null)
    expect(decisionOf({ decided_by: by })).toContain('护士')
    expect(decisionOf({ decided_by: by, decided_why: '复测体温正常' })).toContain('复测体温正常')
    expect(decisionOf({ decided_by: by, decided_why: 'false_alarm' })).not.toContain('false_alarm')
  })
})

describe('inOneLine', () => {
  it('ends no sentence twice', () => {
    expect(inOneLine(['发热。', '咳嗽'])).toBe('发热；咳嗽')
  })
})
