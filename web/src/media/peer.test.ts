import { beforeEach, describe, expect, it, vi } from 'vitest'
import { BUDGET } from './ladder'
import { ANSWER_MS, type Peer } from './peer'
import { FRESH_MS, PATIENCE_MS } from './recovery'
import { answered, begun, FakePc, newPeer, offers, pc, settle, states } from './testing'

let peer: Peer
beforeEach(async () => {
  peer = await begun()
})

describe('a prepared connection', () => {
  beforeEach(() => {
    peer = newPeer()
    peer.prepare()
  })

  it('offers nothing before the seat is there, even when the socket comes back', async () => {
    peer.setLinked(false)
    peer.setLinked(true)
    await settle()
    expect(FakePc.made).toHaveLength(1)
    expect(offers).toEqual([])
  })

  it('is the one that begins, and is not used twice', async () => {
    peer.begin()
    await settle()
    expect(FakePc.made).toHaveLength(1)
    expect(offers).toHaveLength(1)
    peer.begin()
    expect(FakePc.made).toHaveLength(2)
  })
})

describe('the first offer', () => {
  it('has the own sections first, then the sections to receive in', () => {
    expect(pc().sections.map((one) => `${one.kind} ${one.direction}`)).toEqual([
      'audio sendonly', 'video sendonly', ...Array(3).fill('audio recvonly'), ...Array(3).fill('video recvonly'),
    ])
    expect(offers).toEqual([expect.objectContaining({ fresh: true, sdp: 'offer with 8' })])
  })

  it('does not wait for the camera: the track comes by replacement', () => {
    const track = { kind: 'video' } as MediaStreamTrack
    peer.setTrack('video', track)
    expect(pc().sections[1]?.sender.replaceTrack).toHaveBeenCalledWith(track)
    expect(offers).toHaveLength(1)
  })

  it('is said again when no answer comes, still as a fresh one', async () => {
    await vi.advanceTimersByTimeAsync(ANSWER_MS)
    expect(offers).toHaveLength(2)
    expect(offers[1]).toMatchObject({ fresh: true })
    expect(offers[1]!.offer_id).toBeGreaterThan(offers[0]!.offer_id)
  })
})

describe('an answer that would be another one now', () => {
  it('is asked for by another offer on the same connection', async () => {
    await answered(peer)
    peer.offerAgain()
    await settle()
    expect(offers.at(-1)).toMatchObject({ fresh: false })
    expect(offers).toHaveLength(2)
    expect(FakePc.made).toHaveLength(1)
  })
  it('is asked for when the socket is back, if it was said while there was none', async () => {
    await answered(peer)
    peer.setLinked(false)
    peer.offerAgain()
    await settle()
    expect(offers).toHaveLength(1)
    peer.setLinked(true)
    await settle()
    expect(offers).toHaveLength(2)
  })
})

describe('answers', () => {
  it('of another offer are dropped', async () => {
    await peer.answer(offers[0]!.offer_id - 1, 'stale')
    expect(pc().signalingState).toBe('have-local-offer')
    await answered(peer)
    expect(pc().signalingState).toBe('stable')
  })

  it('that the browser refuses lead to a new connection', async () => {
    pc().rejectAnswers = true
    await answered(peer)
    await settle()
    expect(FakePc.made).toHaveLength(2)
    expect(offers.at(-1)).toMatchObject({ fresh: true })
  })
})

describe('recovery', () => {
  beforeEach(async () => {
    await answered(peer)
    pc().become('connected')
  })

  it('tells what the connection does', () => {
    pc().become('disconnected')
    pc().become('connected')
    expect(states).toEqual(['connecting', 'connected', 'interrupted', 'connected'])
  })

  it('restarts ICE after a while without a connection', async () => {
    pc().become('disconnected')
    await vi.advanceTimersByTimeAsync(PATIENCE_MS)
    expect(pc().restartIce).toHaveBeenCalledOnce()
    expect(offers.at(-1)).toMatchObject({ fresh: false })
  })

  it('seeks a new path at once in another network, and gives up nothing of the old one', async () => {
    peer.moved()
    await answered(peer)
    expect(pc().restartIce).toHaveBeenCalledOnce()
    expect(offers.at(-1)).toMatchObject({ fresh: false })
    expect(pc().close).not.toHaveBeenCalled()
    expect(states.at(-1)).toBe('connected')
  })

  it('seeks the new path as soon as the socket, which moved too, is back', async () => {
    peer.setLinked(false)
    peer.moved()
    await settle()
    expect(offers).toHaveLength(1)
    peer.setLinked(true)
    await answered(peer)
    expect(offers.map((offer) => offer.fresh)).toEqual([true, false])
  })

  it('begins anew after fifteen seconds, in the same seat', async () => {
    pc().become('failed')
    await vi.advanceTimersByTimeAsync(FRESH_MS)
    expect(FakePc.made).toHaveLength(2)
    expect(FakePc.made[0]?.close).toHaveBeenCalled()
    expect(offers.at(-1)).toMatchObject({ fresh: true })
  })

  it('says nothing while the socket is down, and restarts at once when it is back', async () => {
    peer.setLinked(false)
    pc().become('failed')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(offers).toHaveLength(1)
    peer.setLinked(true)
    await vi.advanceTimersByTimeAsync(1)
    expect(pc().restartIce).toHaveBeenCalledOnce()
    expect(offers).toHaveLength(2)
  })

  it('keeps media that outlived the socket', async () => {
    peer.setLinked(false)
    peer.setLinked(true)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(offers).toHaveLength(1)
  })

  it('begins anew when the relay lost what the browser believes to have', async () => {
    peer.distrust()
    await settle()
    expect(FakePc.made).toHaveLength(2)
  })

  it('does not hear the old connection', async () => {
    const old = pc()
    peer.begin()
    await settle()
    states.length = 0
    old.become('failed')
    expect(states).toEqual([])
  })

  it('offers sections that were added while the socket was down, and those told twice once', async () => {
    peer.setLinked(false)
    peer.addSections(0, 1)
    await settle()
    expect(offers).toHaveLength(1)
    peer.setLinked(true)
    peer.addSections(0, 1)
    await answered(peer)
    expect(offers).toHaveLength(2)
    expect(pc().sections).toHaveLength(9)
    peer.addSections(0, 1)
    expect(pc().sections).toHaveLength(10)
  })

  it('says an offer again whose answer was lost with the socket', async () => {
    peer.addSections(0, 1)
    await settle()
    peer.setLinked(false)
    peer.setLinked(true)
    await answered(peer)
    expect(offers.map((offer) => offer.fresh)).toEqual([true, false, false])
    expect(FakePc.made).toHaveLength(1)
  })

  it('keeps sections that were added', async () => {
    peer.addSections(0, 1)
    await answered(peer)
    peer.begin()
    expect(pc().sections).toHaveLength(9)
  })
})

describe('an offer that was interrupted by the socket', () => {
  it('is made anew, because nobody knows what the server heard', async () => {
    peer.setLinked(false)
    peer.setLinked(true)
    await settle()
    expect(FakePc.made).toHaveLength(2)
    expect(offers.at(-1)).toMatchObject({ fresh: true })
  })
})

describe('a closed peer', () => {
  it('does nothing more', async () => {
    peer.close()
    peer.begin()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(offers).toHaveLength(1)
    expect(pc().close).toHaveBeenCalled()
  })
})

describe('how much of the voice a packet holds', () => {
  const answer = 'v=0\r\nm=audio 9 x 111\r\n'
  const milliseconds = (): string[] => pc().taken.map((sdp) => /a=ptime:(\d+)/.exec(sdp)?.[1] ?? 'as ever')
  beforeEach(async () => {
    await settle()
    await peer.answer(offers[0]!.offer_id, answer)
  })

  it('changes with the rung, and nobody is asked', async () => {
    for (const rung of ['low', 'still', 'phone', 'voice'] as const) {
      peer.spend(BUDGET[rung])
      await settle()
    }
    expect(milliseconds()).toEqual(['20', '60', '20'])
    expect(offers).toHaveLength(1)
    expect(pc().signalingState).toBe('stable')
  })

  it('sets no size of the picture free that rests', async () => {
    const parameters = { encodings: [{ active: true }, { active: true }] }
    Object.assign(pc().sections[1]!.sender, {
      getParameters: () => structuredClone(parameters),
      setParameters: (next: typeof parameters) => Promise.resolve(void Object.assign(parameters, next)),
    })
    const take = pc().setRemoteDescription.bind(pc())
    pc().setRemoteDescription = (description) => {
      for (const one of parameters.encodings) one.active = true
      return take(description)
    }
    peer.setLayers('1', [])
    await settle()
    peer.spend({ ...BUDGET.full, audioMs: BUDGET.still.audioMs })
    await settle()
    expect(milliseconds()).toEqual(['20', '60'])
    expect(parameters.encodings.map((one) => one.active)).toEqual([false, false])
  })

  it('waits for no answer that is under way, and asks anew for what it was to answer', async () => {
    peer.offerAgain()
    await settle()
    peer.spend(BUDGET.still)
    await settle()
    expect(milliseconds()).toEqual(['20', '60'])
    await peer.answer(offers[1]!.offer_id, answer)
    expect(milliseconds()).toEqual(['20', '60'])
    await peer.answer(offers[2]!.offer_id, answer)
    expect(milliseconds()).toEqual(['20', '60', '60'])
  })

  it('lets what is asked for meanwhile wait its turn', async () => {
    peer.spend(BUDGET.still)
    peer.offerAgain()
    await settle()
    expect(milliseconds()).toEqual(['20', '60'])
    expect(offers).toHaveLength(2)
  })

  it('changes also while nobody is heard, and what was asked of them is asked again', async () => {
    peer.setLinked(false)
    peer.moved()
    peer.spend(BUDGET.still)
    await settle()
    expect(milliseconds()).toEqual(['20', '60'])
    peer.setLinked(true)
    await settle()
    peer.setLinked(false)
    peer.spend(BUDGET.low)
    await settle()
    expect(milliseconds()).toEqual(['20', '60', '20'])
    peer.setLinked(true)
    await settle()
    expect(offers).toHaveLength(3)
  })

  it('is asked of the server where the browser does not take an answer twice', async () => {
    pc().rejectAnswers = true
    peer.spend(BUDGET.still)
    await settle()
    pc().rejectAnswers = false
    await peer.answer(offers[1]!.offer_id, answer)
    expect(milliseconds()).toEqual(['20', '60'])
  })
})

describe('an answer that the browser does not take', () => {
  it('is followed by new connections at ever longer pauses, and at last by a word', async () => {
    peer.close()
    let failures = 0
    FakePc.made = []
    peer = newPeer({ make: () => Object.assign(new FakePc(), { rejectAnswers: true }) as unknown as RTCPeerConnection, failed: () => (failures += 1) })
    peer.begin()
    const made: number[] = []
    for (const ms of [0, 100, 1_000, 2_900, 100, 7_900, 100, 60_000]) {
      await vi.advanceTimersByTimeAsync(ms)
      await answered(peer)
      made.push(FakePc.made.length)
    }
    expect([made, failures]).toEqual([[2, 2, 3, 3, 4, 4, 5, 5], 1])
  })
})
