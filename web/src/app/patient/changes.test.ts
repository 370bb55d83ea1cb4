import { describe, expect, it } from 'vitest'
import type { TicketView } from '@/protocol/types'
import { changeOf, progress, restored } from './changes'

const base = { phase: 'waiting', ahead: 3, desks_open: 2, level: 'STANDARD', as_of: 5, miss_shift: 2, moved: null } as unknown as TicketView
const after = (more: Partial<TicketView>, before: Partial<TicketView> = {}) => changeOf({ ...base, ...before }, { ...base, ...more })?.key ?? null

describe('what a waiting patient is told', () => {
  it('says why the place went back', () => {
    expect(after({ ahead: 4 })).toBe('wait.change.urgent_first')
    expect(after({ ahead: 5, moved: 'missed_call' }, { phase: 'called' })).toBe('wait.change.missed')
    expect(after({ ahead: 0, moved: 'wrong_person' }, { phase: 'accepted' })).toBe('wait.change.wrong_person')
    expect(after({ moved: 'desk_lost' }, { phase: 'called' })).toBe('wait.change.place_kept')
    expect(after({ ahead: 5, moved: 'patient_lost' }, { phase: 'serving' })).toBe('wait.change.patient_lost')
  })

  it('says that somebody else’s answer costs nothing once, and places from the second on', () => {
    expect(after({ moved: 'wrong_person', wrong_persons: 1 }, { phase: 'called' })).toBe('wait.change.wrong_person')
    expect(after({ moved: 'wrong_person', wrong_persons: 2 }, { phase: 'serving' })).toBe('wait.change.wrong_person.back')
  })

  it('blames nobody’s connection for a call that was taken back, a doctor who stayed away, or a false alarm', () => {
    expect(after({ moved: 'call_cancelled' }, { phase: 'called' })).toBe('wait.change.cancelled')
    expect(after({ ahead: 0, moved: 'doctor_lost' }, { phase: 'suspended' })).toBe('wait.change.doctor_lost')
    expect(after({ level: 'URGENT', moved: 'lowered' }, { phase: 'emergency', level: 'EMERGENCY' })).toBe('wait.change.lowered')
  })

  it('explains a missed call to a page that slept through it', () => {
    expect(after({ ahead: 5, missed: 1, moved: 'missed_call' }, { missed: 0 })).toBe('wait.change.missed')
    expect(after({ ahead: 5, missed: 1, moved: 'missed_call' }, { missed: 1 })).toBe('wait.change.urgent_first')
    expect(after({ missed: 2, moved: 'missed_call' }, { missed: 1, phase: 'called' })).toBe('wait.change.missed')
  })

  it('tells kept sentences again, but none whose words are gone', () => {
    expect(restored([{ at: 1, key: 'wait.change.next', args: {} }, { at: 2, key: 'wait.change.gone', args: {} }])).toHaveLength(1)
  })

  it('says the good news too, and nothing when nothing changed', () => {
    expect(after({ ahead: 2 })).toBe('wait.change.forward')
    expect(after({ ahead: 0 })).toBe('wait.change.next')
    expect(after({ level: 'URGENT', moved: 'raised' })).toBe('wait.change.raised')
    expect(after({ desks_open: 0 })).toBe('wait.change.no_desk')
    // The first is not another one.
    expect(after({}, { desks_open: 0 })).toBe('wait.change.first_desks')
    expect(after({}, { desks_open: 1 })).toBe('wait.change.more_desks')
    expect(after({})).toBeNull()
  })

  it('closes the ring on the way from the first place to the front', () => {
    expect(progress(3, 3)).toBeCloseTo(0.04)
    expect(progress(3, 1)).toBeCloseTo(0.5)
    expect(progress(3, 0)).toBe(1)
    expect(progress(0, 2)).toBe(0)
  })
})
