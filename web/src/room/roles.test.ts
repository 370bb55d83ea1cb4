import { describe, expect, it } from 'vitest'
import type { HostAct, ParticipantRole } from '@/protocol/live'
import { INVITED_ROLES, isInvited, mayBeDoneWith, rights } from './roles'

// The same table as the server's: src/domain/room/roles.rs.
const TABLE: [role: ParticipantRole, may: string, done: string][] = [
  ['patient', 'microphone camera talks', 'hold release mute'],
  ['doctor', 'microphone camera screen hosts talks', ''],
  ['nurse', 'microphone camera screen hosts talks', ''],
  ['invited_doctor', 'microphone camera screen talks', 'admit hold release mute remove'],
  ['interpreter', 'microphone camera talks', 'admit hold release mute remove'],
  ['family', 'microphone camera talks', 'admit hold release mute remove'],
  ['observer', '', 'admit hold release mute remove'],
]
const RIGHTS = ['microphone', 'camera', 'screen', 'hosts', 'talks'] as const
const ACTS: HostAct[] = ['admit', 'hold', 'release', 'mute', 'remove']

describe('a role in a call', () => {
  it.each(TABLE)('%s may: %s', (role, may) => {
    expect(RIGHTS.filter((one) => rights(role)[one]).join(' ')).toBe(may)
  })
  it.each(TABLE)('%s, who may %s: a host may %s', (role, _, done) => {
    expect(ACTS.filter((act) => mayBeDoneWith(act, role)).join(' ')).toBe(done)
  })
  it('comes by an invitation or has a seat of its own', () => {
    const invited = TABLE.map(([role]) => role).filter(isInvited)
    expect(invited.sort()).toEqual([...INVITED_ROLES].sort())
    expect(isInvited('administrator')).toBe(false)
  })
})
