import { describe, expect, it } from 'vitest'
import { decode, encode } from './codec'

const room = {
  room: 'r', epoch: 1, purpose: 'visit', you: 'p1', opened_at: 5, recording: false,
  participants: [
    { id: 'p1', role: 'doctor', name: { zh: '演示医师甲', en: 'Demo' }, presence: { state: 'here' }, media: { microphone: true, camera: true } },
    { id: 'p2', role: 'patient', name: { zh: '患者', en: 'Patient' }, presence: { state: 'lost', since: 9 }, media: { microphone: false, camera: true, quality: 'poor' }, silent: ['video'] },
  ],
}

describe('decode', () => {
  it('reads how rooms ended that are over, also for a reason of a newer server', () => {
    const welcome = { type: 'welcome', resume: 'x', resumed: true, now: 3, rooms: [], ended: [{ room: 'r', reason: 'replaced' }, { room: 's', reason: 'of a newer server' }] }
    expect(decode(JSON.stringify(welcome))).toMatchObject({ ok: true, message: { ended: [{ room: 'r', reason: 'replaced' }, { room: 's', reason: 'finished' }] } })
    expect(decode(JSON.stringify({ type: 'room_ended', room: 'r', reason: 'broken' }))).toMatchObject({ ok: true, message: { reason: 'broken' } })
  })

  it('reads a welcome with the rooms of the old socket', () => {
    const decoded = decode(JSON.stringify({ type: 'welcome', resume: 'x', resumed: true, now: 3, rooms: ['r'] }))
    expect(decoded).toMatchObject({ ok: true, message: { type: 'welcome', resumed: true, rooms: ['r'] } })
  })

  it('fills in what an older server does not say of a participant', () => {
    const decoded = decode(JSON.stringify({ type: 'room', room }))
    if (!decoded.ok || decoded.message.type !== 'room') throw new Error('not a room')
    expect(decoded.message.room.participants[0]?.media).toEqual({ microphone: true, camera: true, test_picture: false, quality: 'unknown', hidden: false, screen: false, rung: 'full' })
    expect(decoded.message.room.participants.map((one) => one.silent)).toEqual([[], ['video']])
    expect(decoded.message.room.participants[1]?.presence).toEqual({ state: 'lost', since: 9 })
  })

  it('keeps every word about a participant, that who speaks may know of whoever drowns', () => {
    const words = { silent: ['audio'], cut: true, drowned: true, misses: [{ source: 'd', name: 'microphone' }], held: true, muted: true }
    const decoded = decode(JSON.stringify({ type: 'room', room: { ...room, participants: [{ ...room.participants[0], ...words }] } }))
    if (!decoded.ok || decoded.message.type !== 'room') throw new Error('not a room')
    expect(decoded.message.room.participants[0]).toMatchObject(words)
  })

  it('keeps a refusal that names no command', () => {
    expect(decode('{"type":"refused","id":null,"problem":{"code":"live.malformed","message":"m"}}')).toEqual({
      ok: true, message: { type: 'refused', id: null, problem: { code: 'live.malformed', message: 'm' } },
    })
  })

  it('takes a ticket whole', () => {
    const ticket = { id: 't', clinic: 'c', no: 7, phase: 'waiting', version: 2, level: 'STANDARD', patient: {}, estimate: { kind: 'unknown' }, ahead: 3 }
    expect(decode(JSON.stringify({ type: 'ticket', ticket }))).toMatchObject({ ok: true, message: { ticket: { ahead: 3 } } })
  })

  it.each([
    ['not_json', '{'],
    ['not_json', new ArrayBuffer(2)],
    ['unknown', '{"type":"dance"}'],
    ['unknown', '{"type":"toString"}'],
    ['malformed', '[]'],
    ['malformed', 'null'],
    ['malformed', '{"type":3}'],
    ['malformed', '{"type":"pong","id":"1","now":2}'],
    ['malformed', '{"type":"slots","room":"r","slots":[{"mid":"0","kind":"smell","source":"p"}],"missing":[0,0]}'],
    ['malformed', '{"type":"event","topic":"t","seq":null,"at":1,"kind":"k","data":{}}'],
    ['malformed', '{"type":"ticket","ticket":{"id":"t"}}'],
    ['malformed', '{"type":"room","room":{"room":"r"}}'],
  ])('names a %s message instead of throwing: %s', (failure, data) => {
    expect(decode(data)).toMatchObject({ ok: false, failure })
  })

  it('says where a known message is wrong', () => {
    expect(decode(JSON.stringify({ type: 'room', room: { ...room, participants: [{ ...room.participants[0], role: 'visitor' }] } }))).toMatchObject({
      detail: 'room.room.participants[0].role is not patient or doctor or nurse or invited_doctor or interpreter or family or observer',
    })
  })
})

describe('encode', () => {
  it('writes a command with its id', () => {
    expect(encode({ type: 'watch', id: 4, ticket: 't' })).toBe('{"type":"watch","id":4,"ticket":"t"}')
  })
})
