import { effectScope, shallowRef, type EffectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Refusal, type Status } from '@/connection/driver'
import { FakePc } from '@/media/testing'
import { ApiError } from '@/protocol/http'
import type { Command, EndedRoom, RoomState, ServerMessage } from '@/protocol/live'
import type { RoomGrant } from '@/protocol/types'
import { useCall, type Call } from './call'
import type { Live } from './live'

class FakeStream {
  readonly #tracks: { kind: string; id: string }[]
  constructor(tracks: { kind: string; id: string }[]) {
    this.#tracks = tracks
  }
  getTracks() {
    return this.#tracks
  }
  getVideoTracks() {
    return this.#tracks.filter((track) => track.kind === 'video')
  }
  getAudioTracks() {
    return this.#tracks.filter((track) => track.kind === 'audio')
  }
}
const device = (kind: string) => ({ kind, id: kind, enabled: true, muted: false, readyState: 'live', contentHint: '', stop: () => undefined, addEventListener: () => undefined })

const seat = (id: string, role: 'patient' | 'doctor') => ({
  id, role, name: { zh: id, en: id }, presence: { state: 'here' as const },
  media: { microphone: true, camera: true, test_picture: false, quality: 'good' as const, hidden: false, screen: false, rung: 'full' as const }, held: false, muted: false,
})
const room = (id = 'r'): RoomState => ({ room: id, epoch: 1, purpose: 'visit', you: 'p', opened_at: 0, recording: false, door: [], picture: null, participants: [seat('p', 'patient'), seat('d', 'doctor')] })

let scope: EffectScope
let call: Call
let said: Command[]
let status: ReturnType<typeof shallowRef<Status>>
let hear: (message: ServerMessage) => void
let refuse: (command: Command) => string | null
const grant = vi.fn<() => Promise<RoomGrant>>()
const offers = (): Command[] => said.filter((one) => one.type === 'offer')
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('RTCPeerConnection', FakePc)
  vi.stubGlobal('MediaStream', FakeStream)
  vi.stubGlobal('navigator', {
    webdriver: false,
    mediaDevices: {
      getUserMedia: (wish: MediaStreamConstraints) => Promise.resolve(new FakeStream(['audio', 'video'].filter((kind) => wish[kind as 'audio' | 'video']).map(device))),
      enumerateDevices: () => Promise.resolve([]),
    },
  })
  FakePc.made = []
  said = []
  refuse = () => null
  status = shallowRef<Status>({ name: 'open' })
  grant.mockReset().mockResolvedValue({ room: 'r', grant: 'g', demo: false })
  const live: Live = {
    status: status as Live['status'],
    command(command) {
      said.push(command)
      const code = refuse(command)
      return code === null ? Promise.resolve() : Promise.reject(new Refusal({ code, message: '' }))
    },
    subscribe: () => () => undefined,
    watch: () => () => undefined,
    listen(listener) {
      hear = listener
      return () => undefined
    },
    now: () => Date.now(),
    start: () => undefined,
    nudge: () => undefined,
    slow: () => undefined,
    calling: () => undefined,
    back: () => undefined,
    doubt: () => undefined,
    clear: () => undefined,
  }
  scope = effectScope()
  call = scope.run(() => useCall({ live, grant, small: true, testLabel: 'x' }))!
})
afterEach(() => {
  scope.stop()
  vi.unstubAllGlobals()
})

async function joined(): Promise<FakePc> {
  call.join()
  await settle()
  hear({ type: 'room', room: room() })
  await settle()
  const offer = offers().at(-1)
  if (offer?.type === 'offer') hear({ type: 'answer', room: 'r', offer_id: offer.offer_id, sdp: 'answer' })
  await settle()
  const pc = FakePc.made.at(-1)!
  pc.become('connected')
  return pc
}

describe('entering', () => {
  it('takes the seat by a grant and offers at once, without waiting for the camera', async () => {
    await joined()
    expect(said.map((one) => one.type)).toEqual(expect.arrayContaining(['join', 'offer', 'media']))
    expect(offers()[0]).toMatchObject({ room: 'r', fresh: true })
    expect(call.state.value.phase.name).toBe('live')
  })

  it('puts the doctor’s picture and voice together from the slots', async () => {
    await joined()
    hear({ type: 'slots', room: 'r', slots: [{ mid: '2', kind: 'audio', source: 'd', name: 'microphone' }, { mid: '5', kind: 'video', source: 'd', name: 'camera' }], missing: [0, 0] })
    const streams = call.streams.value.get('d')
    expect([streams?.audio?.getTracks()[0]?.id, streams?.video?.getTracks()[0]?.id]).toEqual(['2', '5'])
  })

  it('asks again while the network is away', async () => {
    grant.mockRejectedValueOnce(new ApiError('network', 0, ''))
    call.join()
    await settle(2500)
    expect(grant).toHaveBeenCalledTimes(2)
    expect(said[0]).toEqual({ type: 'join', grant: 'g' })
  })

  it('takes a new grant when the old one was spent by an answer that was lost', async () => {
    refuse = (command) => (command.type === 'join' && said.filter((one) => one.type === 'join').length === 1 ? 'room.grant_refused' : null)
    call.join()
    await settle(2500)
    expect(grant).toHaveBeenCalledTimes(2)
  })

  it('ends when the visit is over', async () => {
    grant.mockRejectedValue(new ApiError('visit.ended', 409, ''))
    call.join()
    await settle()
    expect(call.state.value.phase).toMatchObject({ name: 'ended', reason: 'closed' })
  })

  it('does not hear other rooms of the same socket', async () => {
    call.join()
    await settle()
    hear({ type: 'room', room: room('other') })
    expect(call.state.value.room).toBeNull()
    expect(FakePc.made[0]?.signalingState, 'nothing was offered').toBe('stable')
  })
})

describe('a lost socket', () => {
  it('that kept the seat leaves running media alone', async () => {
    const pc = await joined()
    status.value = { name: 'reconnecting', since: 0 }
    expect(call.state.value.phase).toMatchObject({ name: 'reconnecting', what: 'network' })
    status.value = { name: 'open' }
    hear({ type: 'welcome', resume: 's', resumed: true, now: 0, rooms: ['r'] })
    await settle()
    expect(call.state.value.phase.name).toBe('live')
    expect(pc.close).not.toHaveBeenCalled()
    expect(grant).toHaveBeenCalledOnce()
  })

  it('is none when the server cannot follow something else of the page', async () => {
    await joined()
    status.value = { name: 'catching_up', since: 0 }
    await settle()
    expect(call.state.value.phase.name).toBe('live')
  })

  it('with broken media restarts ICE as soon as the socket is back', async () => {
    const pc = await joined()
    status.value = { name: 'reconnecting', since: 0 }
    pc.become('failed')
    await settle(8000)
    expect(pc.restartIce).not.toHaveBeenCalled()
    status.value = { name: 'open' }
    hear({ type: 'welcome', resume: 's', resumed: true, now: 0, rooms: ['r'] })
    await settle(1)
    expect(pc.restartIce).toHaveBeenCalledOnce()
    expect(offers().at(-1)).toMatchObject({ fresh: false })
  })

  it('of a server that forgot everything takes the seat again with new media', async () => {
    const pc = await joined()
    status.value = { name: 'reconnecting', since: 0 }
    status.value = { name: 'open' }
    hear({ type: 'welcome', resume: 's', resumed: false, now: 0, rooms: [] })
    await settle()
    expect(grant).toHaveBeenCalledTimes(2)
    expect(pc.close).toHaveBeenCalled()
    expect(offers().at(-1)).toMatchObject({ fresh: true })
  })
})

describe('a window whose socket another one took', () => {
  const taken = (): void => void (status.value = { name: 'closed', problem: { code: 'live.replaced', message: '' } })

  it('is in the call again once it has the socket again, by whichever button', async () => {
    await joined()
    taken()
    await settle()
    expect(call.state.value.phase).toMatchObject({ name: 'ended', reason: 'replaced' })
    status.value = { name: 'reconnecting', since: 0 }
    await settle()
    expect([call.state.value.phase.name, grant.mock.calls.length, said.filter((one) => one.type === 'join').length]).toEqual(['joining', 2, 2])
  })

  it('stays out of the call where its person had left it, and after signing out', async () => {
    await joined()
    call.leave()
    taken()
    await settle()
    status.value = { name: 'reconnecting', since: 0 }
    await settle()
    expect([call.state.value.phase, grant.mock.calls.length]).toEqual([expect.objectContaining({ reason: 'left' }), 1])
    await joined()
    taken()
    await settle()
    status.value = { name: 'idle' }
    await settle()
    expect(call.state.value.phase).toMatchObject({ name: 'ended', reason: 'replaced' })
  })
})

describe('a page that slept', () => {
  const wakes = (ended: EndedRoom[], resumed = true): void => {
    status.value = { name: 'reconnecting', since: 0 }
    status.value = { name: 'open' }
    hear({ type: 'welcome', resume: 's', resumed, now: 0, rooms: [], ended })
  }

  it('while another window took its seat ends for that reason, and takes nothing back', async () => {
    const pc = await joined()
    wakes([{ room: 'another', reason: 'finished' }, { room: 'r', reason: 'replaced' }])
    await settle(60_000)
    expect(call.state.value.phase).toMatchObject({ name: 'ended', reason: 'replaced' })
    expect([grant.mock.calls.length, offers().length, pc.close.mock.calls.length]).toEqual([1, 1, 1])
    // A press is another matter.
    await joined()
    expect(grant).toHaveBeenCalledTimes(2)
    expect(call.state.value.phase.name).toBe('live')
  })

  it('through the end of the visit says how it ended', async () => {
    await joined()
    wakes([{ room: 'r', reason: 'emergency' }])
    await settle()
    expect(call.state.value.phase).toMatchObject({ name: 'ended', reason: 'emergency' })
    expect(grant).toHaveBeenCalledOnce()
  })

  it('at the door is told that it was refused, and does not knock again', async () => {
    call.join()
    await settle()
    hear({ type: 'door', room: 'r' })
    wakes([{ room: 'r', reason: 'removed' }])
    await settle()
    expect(call.state.value.phase).toMatchObject({ name: 'ended', reason: 'removed' })
    expect(said.filter((one) => one.type === 'join')).toHaveLength(1)
  })

  it('of which the server knows nothing any more takes the seat again', async () => {
    await joined()
    wakes([], false)
    await settle()
    expect(grant).toHaveBeenCalledTimes(2)
  })

  it('and has the seat still is not told of an older end', async () => {
    await joined()
    hear({ type: 'welcome', resume: 's', resumed: true, now: 0, rooms: ['r'], ended: [{ room: 'r', reason: 'replaced' }] })
    await settle()
    expect(call.state.value.phase.name).toBe('live')
  })
})

describe('a room', () => {
  it('that is full says so, and offers to try again', async () => {
    call.join()
    await settle()
    hear({ type: 'room_ended', room: 'r', reason: 'full' })
    expect(call.state.value.phase).toEqual({ name: 'ended', reason: 'refused', problem: 'room.full' })
  })

  it('that broke at the server is entered anew with new media, again and again with a pause', async () => {
    const pc = await joined()
    hear({ type: 'room_ended', room: 'r', reason: 'broken' })
    await settle(1)
    expect([grant.mock.calls.length, pc.close.mock.calls.length, offers().at(-1)]).toEqual([2, 1, expect.objectContaining({ fresh: true })])
    expect(call.state.value.phase.name).not.toBe('ended')
    const last = (type: Command['type']): number => said.map((one) => one.type).lastIndexOf(type)
    expect(last('media'), 'the new room knows nothing of what was said before').toBeGreaterThan(last('join'))
    hear({ type: 'room_ended', room: 'r', reason: 'broken' })
    await settle(1_900)
    expect(grant).toHaveBeenCalledTimes(2)
    await settle(200)
    expect(grant).toHaveBeenCalledTimes(3)
  })

  it('that no longer hears offers is entered anew', async () => {
    await joined()
    refuse = (command) => (command.type === 'offer' && grant.mock.calls.length === 1 ? 'room.closed' : null)
    FakePc.made.at(-1)!.become('failed')
    await settle(10)
    expect(grant).toHaveBeenCalledTimes(2)
  })
})

describe('a browser that takes no answer', () => {
  it('ends the call with a word after some connections, and not before', async () => {
    const take = vi.spyOn(FakePc.prototype, 'setRemoteDescription').mockRejectedValue(new Error('odd'))
    call.join()
    await settle()
    hear({ type: 'room', room: room() })
    for (let second = 0; second < 20 && call.state.value.phase.name !== 'ended'; second += 1) {
      await settle(1_000)
      const offer = offers().at(-1)
      if (offer?.type === 'offer') hear({ type: 'answer', room: 'r', offer_id: offer.offer_id, sdp: 'answer' })
    }
    await settle()
    take.mockRestore()
    expect(call.state.value.phase).toMatchObject({ name: 'ended', reason: 'refused', problem: 'room.offer_refused' })
    expect(FakePc.made).toHaveLength(5)
  })
})

describe('a seat that the server lost', () => {
  it('is taken again when an offer finds nobody there', async () => {
    await joined()
    refuse = (command) => (command.type === 'offer' && grant.mock.calls.length === 1 ? 'request.not_found' : null)
    FakePc.made.at(-1)!.become('failed')
    await settle(10)
    expect(grant).toHaveBeenCalledTimes(2)
    expect(offers().at(-1)).toMatchObject({ fresh: true })
  })

  it('is taken again when the relay never admitted it', async () => {
    call.join()
    await settle()
    hear({ type: 'room', room: room() })
    await settle()
    const offer = offers().at(-1)
    if (offer?.type === 'offer') hear({ type: 'offer_refused', room: 'r', offer_id: offer.offer_id, reason: 'not_admitted' })
    await settle()
    expect(grant).toHaveBeenCalledTimes(2)
  })
})

describe('an offer that the server cannot use', () => {
  const refused = (): void => {
    const offer = offers().at(-1)
    if (offer?.type === 'offer') hear({ type: 'offer_refused', room: 'r', offer_id: offer.offer_id, reason: 'malformed' })
  }

  it('ends a call that never began', async () => {
    call.join()
    await settle()
    hear({ type: 'room', room: room() })
    await settle()
    refused()
    expect(call.state.value.phase).toMatchObject({ name: 'ended', problem: 'room.offer_refused' })
  })

  it('for somebody who came leaves a running call as it is, and says so until there is room', async () => {
    const pc = await joined()
    hear({ type: 'slots', room: 'r', slots: [], missing: [1, 1] })
    await settle()
    refused()
    await settle()
    expect(call.state.value).toMatchObject({ phase: { name: 'live' }, forgone: 'others' })
    expect(pc.close).not.toHaveBeenCalled()
    expect(offers()).toHaveLength(2)
    hear({ type: 'slots', room: 'r', slots: [], missing: [1, 0] })
    expect(call.state.value.forgone).toBe('others')
    hear({ type: 'slots', room: 'r', slots: [], missing: [0, 0] })
    expect(call.state.value.forgone).toBeNull()
  })

  it('for the own screen stops the sharing alone', async () => {
    await joined()
    const stop = vi.fn()
    Object.assign(navigator.mediaDevices, { getDisplayMedia: () => Promise.resolve(new FakeStream([{ ...device('video'), stop } as never])) })
    expect(await call.setScreen(true)).toBe(true)
    await settle()
    refused()
    expect(call.state.value).toMatchObject({ phase: { name: 'live' }, forgone: 'screen', own: { screen: false } })
    expect(stop).toHaveBeenCalledOnce()
    // Nor is it asked for again on this connection.
    const asked = offers().length
    expect(await call.setScreen(true)).toBe(false)
    await settle()
    expect(call.state.value).toMatchObject({ forgone: 'screen', own: { screen: false } })
    expect(stop).toHaveBeenCalledTimes(2)
    expect(offers()).toHaveLength(asked)
  })
})

describe('the door', () => {
  async function knocked(): Promise<void> {
    call.join()
    await settle()
    hear({ type: 'door', room: 'r' })
  }

  it('is waited at without an offer, and opens into the room', async () => {
    await knocked()
    expect(call.state.value.phase.name).toBe('door')
    expect(offers()).toHaveLength(0)
    hear({ type: 'room', room: room() })
    await settle()
    expect(offers()).toHaveLength(1)
  })

  it('stays closed for whoever the host refuses, and that is the end', async () => {
    await knocked()
    hear({ type: 'room_ended', room: 'r', reason: 'removed' })
    expect(call.state.value.phase).toMatchObject({ name: 'ended', reason: 'removed' })
  })

  it('of a server that forgot who waits is knocked at again', async () => {
    await knocked()
    status.value = { name: 'reconnecting', since: 0 }
    status.value = { name: 'open' }
    hear({ type: 'welcome', resume: 's', resumed: false, now: 0, rooms: [] })
    await settle()
    expect(said.filter((one) => one.type === 'join')).toHaveLength(2)
  })

  it('is not knocked at twice when the server kept the place', async () => {
    await knocked()
    status.value = { name: 'reconnecting', since: 0 }
    status.value = { name: 'open' }
    hear({ type: 'welcome', resume: 's', resumed: true, now: 0, rooms: ['r'] })
    await settle()
    expect(said.filter((one) => one.type === 'join')).toHaveLength(1)
  })
})

describe('the end', () => {
  it('is a hang-up that leaves the room for good', async () => {
    const pc = await joined()
    call.leave()
    expect(said.at(-1)).toEqual({ type: 'leave', room: 'r' })
    expect(pc.close).toHaveBeenCalled()
    expect(call.state.value.phase).toMatchObject({ name: 'ended', reason: 'left' })
  })

  it('is the doctor’s, for everybody', async () => {
    await joined()
    hear({ type: 'room_ended', room: 'r', reason: 'finished' })
    expect(call.state.value.phase).toMatchObject({ name: 'ended', reason: 'finished' })
    expect(call.streams.value.size).toBe(0)
  })

  it('can be followed by a return with one tap', async () => {
    await joined()
    call.leave()
    await joined()
    expect(grant).toHaveBeenCalledTimes(2)
    expect(call.state.value.phase.name).toBe('live')
  })

  it('of the page keeps the seat: nobody is told that the person left', async () => {
    await joined()
    scope.stop()
    expect(said.some((one) => one.type === 'leave')).toBe(false)
  })
})

describe('what the others are told', () => {
  it('follows every button', async () => {
    await joined()
    call.setMicrophone(false)
    expect(said.at(-1)).toMatchObject({ type: 'media', state: { microphone: false } })
    const count = said.length
    call.setMicrophone(false)
    expect(said).toHaveLength(count)
    call.setVoiceOnly(true)
    expect(said.at(-1)).toMatchObject({ state: { microphone: false, camera: false } })
    await settle()
    expect(call.self.value).toBeNull()
    call.setCamera(true)
    await settle()
    expect(said.at(-1)).toMatchObject({ state: { camera: true } })
    expect(call.self.value).not.toBeNull()
  })
})
