import { describe, expect, it } from 'vitest'
import type { Participant } from '@/protocol/live'
import { newCall, type CallState } from '@/room/state'
import { nurseCall, RINGS_MS } from './nurseCall'

const person = (id: string, role: Participant['role']): Participant => ({
  id, role, name: { zh: '', en: '' }, presence: { state: 'here' }, held: false, muted: false,
  media: { microphone: true, camera: true, test_picture: false, quality: 'good', hidden: false, screen: false, rung: 'full' },
})
const alone: CallState = { ...newCall(), you: 'n', participants: [person('n', 'nurse')] }
const both: CallState = { ...alone, participants: [person('n', 'nurse'), person('p', 'patient')] }
const at = { since: 1_000, now: 13_400, online: true, answered: false }

describe('a nurse’s call to a waiting patient', () => {
  it('rings for so many seconds, and after a minute nobody answers', () => {
    expect(nurseCall(null, at)).toEqual({ name: 'ringing', seconds: 12 })
    expect(nurseCall(alone, at)).toEqual({ name: 'ringing', seconds: 12 })
    expect(nurseCall(alone, { ...at, now: at.since + RINGS_MS })).toEqual({ name: 'unanswered', seconds: 60 })
    // The clock of this machine may be behind the server's.
    expect(nurseCall(alone, { ...at, now: 0 })).toEqual({ name: 'ringing', seconds: 0 })
  })

  it('does not ring where no page is open', () => {
    expect(nurseCall(alone, { ...at, online: false })).toEqual({ name: 'offline' })
  })

  it('was answered once the patient is in the room, however the page behind it is told, and may end from there', () => {
    expect(nurseCall(both, { ...at, online: false })).toEqual({ name: 'answered' })
    expect(nurseCall(alone, { ...at, answered: true })).toEqual({ name: 'left' })
  })
})
