import { describe, expect, it } from 'vitest'
import type { Participant, ParticipantRole, RoomState, Rung, SelfMedia } from '@/protocol/live'
import { reduce, type CallEvent } from './reducer'
import {
  hearingOf, hearings, isFrozen, isMany, isOnCamera, mainOther, mayShare, missedLeg, others, otherWord, patientGone, pictured, reconnectingSeconds, saysRecording, selfMedia, sharer, shouldPhone, silentLeg, slotsOf, stillOf, tileShows,
} from './selectors'
import { newCall, type CallState } from './state'

function person(id: string, role: ParticipantRole, media: Partial<Participant['media']> = {}): Participant {
  return {
    id, role, name: { zh: role, en: role }, presence: { state: 'here' },
    media: { microphone: true, camera: true, test_picture: false, quality: 'good', hidden: false, screen: false, rung: 'full', ...media }, held: false, muted: false,
  }
}
const room: RoomState = {
  room: 'r', epoch: 1, purpose: 'visit', you: 'p', opened_at: 1, recording: true, door: [], picture: null,
  participants: [person('n', 'nurse'), person('p', 'patient'), person('d', 'doctor')],
}
const play = (...events: CallEvent[]): CallState => events.reduce(reduce, newCall())
const joined: CallEvent[] = [{ type: 'join_asked', at: 10 }, { type: 'room', room, at: 20 }]
const live: CallEvent[] = [...joined, { type: 'media', state: 'connected', at: 30 }]
const captured: CallEvent = { type: 'captured', camera: null, microphone: null, facing: 'user', canFlip: true, testPicture: false }

describe('the other side', () => {
  const alone: RoomState = { ...room, participants: [person('p', 'patient')] }
  it('is not here yet before it came, and has left once it has gone', () => {
    const first: CallEvent[] = [{ type: 'join_asked', at: 10 }, { type: 'room', room: alone, at: 20 }]
    expect(play(...first).otherLeft).toBe(false)
    const gone: CallEvent[] = [...live, { type: 'room', room: alone, at: 40 }]
    expect(play(...gone).otherLeft).toBe(true)
    expect(play(...gone, { type: 'room', room: alone, at: 50 }).otherLeft).toBe(true)
    expect(play(...gone, { type: 'room', room, at: 60 }).otherLeft).toBe(false)
  })
  it('that is lost keeps its place, and did not leave', () => {
    const lost: RoomState = { ...room, participants: room.participants.map((one) => ({ ...one, cut: one.id !== 'p' })) }
    expect(play(...live, { type: 'room', room: lost, at: 40 }).otherLeft).toBe(false)
  })
  it('is the patient for whoever leads the call: nobody who was invited stands in for them', () => {
    const led = (you: string, ...roles: [string, ParticipantRole][]): CallEvent => ({ type: 'room', room: { ...room, you, participants: roles.map(([id, role]) => person(id, role)) }, at: 40 })
    const three = led('d', ['d', 'doctor'], ['p', 'patient'], ['f', 'family'])
    const two = led('d', ['d', 'doctor'], ['f', 'family'])
    const told = (...events: CallEvent[]) => [play({ type: 'join_asked', at: 10 }, ...events)].flatMap((state) => [state.otherLeft, patientGone(state)])
    expect(told(three)).toEqual([false, null])
    expect(told(three, two)).toEqual([true, 'left'])
    expect(told(three, two, three)).toEqual([false, null])
    expect(told(three, led('d', ['d', 'doctor']))).toEqual([true, 'left'])
    // After a reload nobody knows whether they were here; that they are not is seen all the same.
    expect(told(two)).toEqual([false, 'absent'])
    expect(told(led('d', ['d', 'doctor']))).toEqual([false, null])
    expect(told(three, two, { type: 'ended', reason: 'left', problem: null })[1]).toBeNull()
    // Taken in again, the own seat is another: it was never the other side.
    expect(told(three, led('e', ['e', 'doctor'], ['p', 'patient']), led('e', ['e', 'doctor']))).toEqual([true, 'left'])
    // The others have nobody to ring for.
    expect(told(led('f', ['f', 'family'], ['d', 'doctor'], ['p', 'patient']), led('f', ['f', 'family'], ['d', 'doctor']))).toEqual([false, null])
  })
})

describe('the mark of the recording', () => {
  const apart = (you: string, role: ParticipantRole): CallState => play(...live, { type: 'room', room: { ...room, you, participants: [{ ...person(you, role), held: true }] }, at: 40 })
  it('is not shown to a guest who is apart or at the door: nothing of them is recorded', () => {
    expect(saysRecording(play(...live))).toBe(true)
    expect(saysRecording(apart('g', 'family'))).toBe(false)
    expect(saysRecording(apart('p', 'patient'))).toBe(true)
    expect(saysRecording({ ...newCall(), phase: { name: 'door' } })).toBe(false)
  })
})

describe('a small picture', () => {
  const has = { stream: false, mine: false, stopped: false }
  it('that is still to come is not a camera that is off', () => {
    expect(tileShows(person('d', 'doctor'), has)).toBe('coming')
    expect(tileShows(person('d', 'doctor'), { ...has, stream: true })).toBe('picture')
    expect(tileShows(person('d', 'doctor', { rung: 'still' }), { ...has, stream: true })).toBe('coming')
    expect(tileShows(person('d', 'doctor', { camera: false }), { ...has, stream: true })).toBe('no_camera')
    expect(tileShows({ ...person('d', 'doctor'), presence: { state: 'lost', since: 1 } }, { ...has, stream: true })).toBe('no_camera')
  })
  it('does not come where one wants none, of who is apart, or of the own camera that is off', () => {
    expect(tileShows(person('d', 'doctor'), { ...has, stopped: true })).toBe('no_camera')
    expect(tileShows({ ...person('d', 'doctor'), held: true }, { ...has, stream: true })).toBe('held')
    expect(tileShows(person('p', 'patient'), { ...has, mine: true })).toBe('no_camera')
    expect(tileShows(person('p', 'patient', { rung: 'still' }), { ...has, mine: true, stream: true })).toBe('picture')
  })
})

describe('what the server did not take', () => {
  const missed = (...events: CallEvent[]) => play(...live, { type: 'forgone', what: 'others' }, ...events)
  it('is said until everybody has a section, and ends nothing', () => {
    expect(missed()).toMatchObject({ phase: { name: 'live' }, forgone: 'others' })
    expect(missed({ type: 'slots', room: 'r', slots: [], missing: [0, 1] }).forgone).toBe('others')
    expect(missed({ type: 'slots', room: 'r', slots: [], missing: [0, 0] }).forgone).toBeNull()
    expect(missed({ type: 'ended', reason: 'left', problem: null }, { type: 'join_asked', at: 50 }).forgone).toBeNull()
  })
  it('of a screen is said until one is shown', () => {
    const refused = play(...live, { type: 'screen', on: true }, { type: 'screen', on: false }, { type: 'forgone', what: 'screen' })
    expect(refused.forgone).toBe('screen')
    expect(reduce(refused, { type: 'slots', room: 'r', slots: [], missing: [0, 0] }).forgone).toBe('screen')
    expect(reduce(refused, { type: 'screen', on: true }).forgone).toBeNull()
  })
})

describe('the phases of a call', () => {
  it('go from idle over joining and connecting to live', () => {
    expect(play().phase).toEqual({ name: 'idle' })
    expect(play(...joined.slice(0, 1)).phase).toEqual({ name: 'joining', since: 10 })
    expect(play(...joined).phase).toEqual({ name: 'connecting', since: 10 })
    expect(play(...live).phase).toEqual({ name: 'live' })
  })

  it('count a lost network from its first sign', () => {
    const lost = play(...live, { type: 'media', state: 'interrupted', at: 100 }, { type: 'link_lost', at: 140 })
    expect(lost.phase).toEqual({ name: 'reconnecting', since: 100, what: 'network' })
    expect(reconnectingSeconds(lost, 5_200)).toBe(5)
  })

  it('stay reconnecting until both the socket and the media are back', () => {
    const down: CallEvent[] = [...live, { type: 'link_lost', at: 100 }, { type: 'media', state: 'interrupted', at: 200 }]
    expect(play(...down, { type: 'link_back' }).phase).toEqual({ name: 'reconnecting', since: 200, what: 'media' })
    expect(play(...down, { type: 'media', state: 'connected', at: 300 }).phase).toEqual({ name: 'reconnecting', since: 100, what: 'network' })
    expect(play(...down, { type: 'link_back' }, { type: 'media', state: 'connected', at: 300 }).phase).toEqual({ name: 'live' })
  })

  it('freeze the picture only when the media is gone, not for a lost socket', () => {
    expect(isFrozen(play(...live, { type: 'link_lost', at: 100 }))).toBe(false)
    expect(isFrozen(play(...live, { type: 'link_lost', at: 100 }, { type: 'media', state: 'interrupted', at: 200 }))).toBe(true)
  })

  it('do not count a second sign of the same loss anew', () => {
    const state = play(...live, { type: 'media', state: 'interrupted', at: 100 }, { type: 'media', state: 'connecting', at: 900 })
    expect(state.phase).toMatchObject({ since: 100 })
    expect(state.quality).toBe('lost')
  })

  it('end once, with the first reason, and hear nothing afterwards', () => {
    const state = play(...live, { type: 'ended', reason: 'left', problem: null }, { type: 'ended', reason: 'finished', problem: null }, { type: 'room', room, at: 50 }, { type: 'media', state: 'closed', at: 60 })
    expect(state.phase).toEqual({ name: 'ended', reason: 'left', problem: null })
  })

  it('begin again after an end by one tap', () => {
    const state = play(...live, { type: 'ended', reason: 'left', problem: null }, { type: 'join_asked', at: 99 })
    expect(state.phase).toEqual({ name: 'joining', since: 99 })
    expect(state.room).toBeNull()
  })

  it('are connecting, not reconnecting, when the socket is lost before the first picture', () => {
    expect(play(...joined, { type: 'link_lost', at: 40 }).phase).toEqual({ name: 'connecting', since: 10 })
  })

  it('offer the telephone after a minute', () => {
    const state = play(...live, { type: 'link_lost', at: 1000 })
    expect(shouldPhone(state, 60_999)).toBe(false)
    expect(shouldPhone(state, 61_000)).toBe(true)
    expect(shouldPhone(play(...joined), 60_010)).toBe(true)
  })
})

describe('who is here', () => {
  it('shows the doctor large to the patient, and the patient to the doctor', () => {
    expect(mainOther(play(...live), null)?.id).toBe('n')
    const asDoctor = play({ type: 'join_asked', at: 0 }, { type: 'room', room: { ...room, you: 'd' }, at: 1 })
    expect(mainOther(asDoctor, null)?.id).toBe('p')
  })

  it('shows whom the person chose, as long as they are here', () => {
    expect(mainOther(play(...live), 'd')?.id).toBe('d')
    expect(mainOther(play(...live), 'gone')?.id).toBe('n')
  })

  it('knows which sections carry whom', () => {
    const state = play(...live, { type: 'slots', room: 'r', slots: [{ mid: '2', kind: 'audio', source: 'd', name: 'microphone' }, { mid: '5', kind: 'video', source: 'n', name: 'camera' }] })
    expect(slotsOf(state, 'd').map((slot) => slot.mid)).toEqual(['2'])
    expect(others(state).map((one) => one.id)).toEqual(['n', 'd'])
  })

  it('does not hear of another room', () => {
    const state = play(...live)
    expect(reduce(state, { type: 'slots', room: 'other', slots: [] })).toBe(state)
    expect(reduce(state, { type: 'room', room: { ...room, room: 'other' }, at: 1 })).toBe(state)
  })

  it('shows a still only as long as it is true', () => {
    const people = (part: Partial<SelfMedia>, more: Partial<Participant> = {}): CallEvent =>
      ({ type: 'room', room: { ...room, participants: [person('p', 'patient'), { ...person('d', 'doctor', part), ...more }] }, at: 30 })
    const still: CallEvent = { type: 'still', participant: 'd', jpeg: 'AAAA' }
    const shown = play(...live, people({ rung: 'still' }), still)
    expect(stillOf(shown, 'd')).toBe('data:image/jpeg;base64,AAAA')
    expect(stillOf(play(...live, still), 'd'), 'whose picture moves').toBeNull()
    expect(stillOf(reduce(shown, { ...still, participant: 'x' }), 'x'), 'whom nobody knows').toBeNull()
    expect(stillOf(reduce(shown, people({ rung: 'still', quality: 'poor' })), 'd')).not.toBeNull()
    for (const event of [
      people({ rung: 'full' }),
      people({ rung: 'still', camera: false }),
      people({ rung: 'still', hidden: true }),
      people({ rung: 'still' }, { held: true }),
      people({ rung: 'still' }, { silent: ['video'] }),
      people({ rung: 'still' }, { presence: { state: 'lost', since: 1 } }),
      { type: 'room', room: { ...room, participants: [person('p', 'patient')] }, at: 30 },
      { type: 'link_lost', at: 40 },
      { type: 'ended', reason: 'left', problem: null },
    ] satisfies CallEvent[]) {
      expect(stillOf(reduce(shown, event), 'd'), JSON.stringify(event)).toBeNull()
    }
  })

  it('spares the voice for whom the server says that it drowns, and for who says so', () => {
    expect(hearingOf(person('d', 'doctor'))).toBe('full')
    expect(hearingOf({ ...person('d', 'doctor'), drowned: true })).toBe('still')
    expect(hearingOf({ ...person('d', 'doctor', { rung: 'phone' }), drowned: true })).toBe('phone')
    expect(hearingOf(person('d', 'doctor', { rung: 'low' }))).toBe('low')
  })

  it('waits for nobody who is cut off, is held apart or looks on, unless whoever is cut off is all there is', () => {
    const weak = person('p', 'patient', { rung: 'still' })
    const cut = { ...weak, cut: true }
    expect(hearings([person('d', 'doctor'), weak])).toEqual(['full', 'still'])
    expect(hearings([person('d', 'doctor'), cut])).toEqual(['full'])
    expect(hearings([cut])).toEqual(['still'])
    expect(hearings([{ ...weak, held: true }, person('o', 'observer', { rung: 'still' })])).toEqual([])
  })

  it('has one word for what is wrong with the other side', () => {
    expect(otherWord(null)).toBe('waiting')
    expect(otherWord({ ...person('d', 'doctor'), presence: { state: 'lost', since: 1 } })).toBe('lost')
    expect(otherWord({ ...person('d', 'doctor'), cut: true })).toBe('lost')
    expect(otherWord(person('d', 'doctor', { hidden: true }))).toBe('hidden')
    expect(otherWord(person('d', 'doctor', { camera: false }))).toBe('camera_off')
    expect(otherWord(person('d', 'doctor', { quality: 'poor' }))).toBe('weak')
    expect(otherWord(person('d', 'doctor'))).toBeNull()
  })

  it('says of a picture that the network of the other side does not bear that no camera is off', () => {
    const at = (rung: Rung, camera: boolean) => otherWord(person('p', 'patient', { rung, camera, quality: 'poor' }))
    expect([at('full', true), at('low', true), at('voice', false), at('still', true), at('phone', false)]).toEqual(['weak', 'low', 'voice', 'still', 'phone'])
  })
})

describe('many in the room', () => {
  const with_ = (people: Participant[]): RoomState => ({ ...room, participants: people })
  it('keeps an invited person in front of the door until the first word of the room', () => {
    const waiting = play({ type: 'join_asked', at: 1 }, { type: 'door' })
    expect(waiting.phase).toEqual({ name: 'door' })
    expect(reduce(waiting, { type: 'room', room, at: 20 }).phase).toEqual({ name: 'connecting', since: 20 })
    expect(play(...live, { type: 'door' }).phase).toEqual({ name: 'live' })
  })
  it('silences the own microphone once when a host mutes, and leaves it to the person afterwards', () => {
    const muted = with_([{ ...person('p', 'patient'), muted: true }])
    const quiet = play(...live, { type: 'room', room: muted, at: 40 })
    expect(quiet.own.microphone.wanted).toBe(false)
    const again = [{ type: 'microphone', on: true }, { type: 'room', room: muted, at: 50 }] satisfies CallEvent[]
    expect(again.reduce<CallState>(reduce, quiet).own.microphone.wanted).toBe(true)
  })
  it('says of an observer that nothing is sent, whatever the devices', () => {
    const state = play(captured, { type: 'room', room: with_([person('p', 'observer')]), at: 1 })
    expect(selfMedia(state, false)).toMatchObject({ microphone: false, camera: false })
  })
  it('shows an observer no place among the pictures', () => {
    const state = play(...joined, { type: 'room', room: with_([person('p', 'patient'), person('o', 'observer'), person('d', 'doctor')]), at: 2 })
    expect(pictured(state).map((one) => one.id)).toEqual(['d'])
    expect([isMany(state), mainOther(state, 'o')?.id]).toEqual([false, 'd'])
    const three = play(...joined, { type: 'room', room: with_([person('p', 'patient'), person('f', 'family'), person('d', 'doctor')]), at: 2 })
    expect(isMany(three)).toBe(true)
  })
  it('lets doctors and invited doctors show a screen, and nobody else', () => {
    const as = (role: Participant['role']): boolean => mayShare(play(...joined, { type: 'room', room: with_([person('p', role)]), at: 2 }))
    expect((['doctor', 'nurse', 'invited_doctor'] as const).map(as)).toEqual([true, true, true])
    expect((['patient', 'interpreter', 'family', 'observer'] as const).map(as)).toEqual([false, false, false, false])
  })
  it('knows whose screen is shown', () => {
    const shared = with_([person('p', 'patient'), person('d', 'doctor', { screen: true })])
    const state = play(...joined, { type: 'room', room: shared, at: 2 }, { type: 'slots', room: 'r', slots: [{ mid: '6', kind: 'video', source: 'd', name: 'screen' }] })
    expect(sharer(state)?.id).toBe('d')
  })
})

describe('the own media', () => {
  it('is what the person wants and the device can', () => {
    expect(isOnCamera(play(captured))).toBe(true)
    expect(isOnCamera(play({ ...captured, camera: 'denied' }))).toBe(false)
    expect(isOnCamera(play(captured, { type: 'camera', on: false }))).toBe(false)
    expect(isOnCamera(play(captured, { type: 'voice_only', on: true }))).toBe(false)
    expect(isOnCamera(play(captured, { type: 'rung', rung: 'voice' }))).toBe(false)
  })

  it('comes back with one press of the camera, whatever had turned it off', () => {
    const state = play(captured, { type: 'voice_only', on: true }, { type: 'rung', rung: 'voice' }, { type: 'camera', on: true })
    expect(isOnCamera(state)).toBe(true)
  })

  it('tells the others of a microphone that a phone call took', () => {
    expect(selfMedia(play(captured, { type: 'interrupted', on: true }), false)).toMatchObject({ microphone: false, camera: false })
  })

  it('tells the others what the network bears, but not of a picture that the person turned off', () => {
    const said = (...events: CallEvent[]): Rung => selfMedia(play(captured, ...events), false).rung
    expect(said({ type: 'rung', rung: 'voice' })).toBe('voice')
    expect(said({ type: 'voice_only', on: true }, { type: 'rung', rung: 'voice' })).toBe('full')
    expect(said({ type: 'voice_only', on: true }, { type: 'rung', rung: 'phone' })).toBe('phone')
  })

  it('tells the others of a page in the background and of a test picture', () => {
    expect(selfMedia(play({ ...captured, testPicture: true }), true)).toEqual({ microphone: true, camera: true, test_picture: true, quality: 'unknown', hidden: true, screen: false, rung: 'full' })
  })
})

describe('a broken leg', () => {
  const silent = (id: string, kind: 'audio' | 'video') => ({ id, silent: [kind] })
  it('is told with its owner, sound before pictures', () => {
    const state: CallState = {
      ...newCall(),
      phase: { name: 'live' },
      you: 'me',
      participants: [silent('me', 'video'), silent('you', 'audio')].map((one) => ({
        ...one,
        role: 'patient',
        name: { zh: '某人', en: 'someone' },
        presence: { state: 'here' },
        media: { microphone: true, camera: true, test_picture: false, quality: 'good', hidden: false, screen: false, rung: 'full' },
        held: false,
        muted: false,
      })),
    }
    expect(silentLeg(state)).toMatchObject({ whose: 'other', kind: 'audio' })
    expect(silentLeg({ ...state, participants: state.participants.slice(0, 1) })).toMatchObject({ whose: 'own', kind: 'video' })
    expect(silentLeg({ ...state, phase: { name: 'connecting', since: 0 } })).toBeNull()
  })
  it('is named at both of its ends where what is sent does not arrive, sound before pictures', () => {
    const misses = (whose: string, ...missed: Participant['misses'] & object): RoomState => ({
      ...room,
      participants: room.participants.map((one) => (one.id === whose ? { ...one, misses: missed } : one)),
    })
    const told = (said: RoomState, you = 'p') => missedLeg(play(...live, { type: 'room', room: { ...said, you }, at: 40 }))
    const deaf = misses('p', { source: 'd', name: 'camera' }, { source: 'd', name: 'microphone' })
    expect(told(deaf)).toMatchObject({ whose: 'other', name: 'microphone', one: { id: 'd' } })
    expect(told(deaf, 'd')).toMatchObject({ whose: 'own', name: 'microphone', one: { id: 'p' } })
    expect(told(deaf, 'n')).toBeNull()
    expect(told(room)).toBeNull()
    const lost: RoomState = { ...deaf, participants: deaf.participants.map((one) => ({ ...one, cut: one.id === 'p' })) }
    expect(told(lost, 'd')).toBeNull()
  })
})
