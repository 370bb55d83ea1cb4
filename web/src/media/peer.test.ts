import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { MediaState } from '@/protocol/live'
import { ANSWER_MS, BARREN_MS, Peer, SOUGHT_MS, type Offer, type PeerOptions } from './peer'
import { BUDGET } from './ladder'
import { FRESH_MS, PATIENCE_MS } from './recovery'

class FakePc {
  static made: FakePc[] = []
  sections: { kind: string; direction: string; mid: string | null; receiver: { track: { kind: string } }; sender: { replaceTrack: ReturnType<typeof vi.fn> }; stop: () => void }[] = []
  #named = 0
  connectionState = 'new'
  signalingState = 'stable'
  localDescription: { sdp: string } | null = null
  currentLocalDescription: { sdp: string } | null = null
  iceGatheringState = 'gathering'
  onicecandidate: ((event: { candidate: { protocol: string } | null }) => void) | null = null
  onconnectionstatechange: (() => void) | null = null
  oniceconnectionstatechange: (() => void) | null = null
  ontrack: (() => void) | null = null
  restartIce = vi.fn()
  close = vi.fn()
  rejectAnswers = false
  constructor() {
    FakePc.made.push(this)
  }
  addTransceiver(what: string | { kind: string }, { direction }: { direction: string }) {
    const kind = typeof what === 'string' ? what : what.kind
    const section: FakePc['sections'][number] = {
      kind, direction, mid: null, receiver: { track: { kind } }, sender: { replaceTrack: vi.fn(() => Promise.resolve()) },
      stop: () => void (this.sections = this.sections.filter((one) => one !== section)),
    }
    this.sections.push(section)
    return section
  }
  getTransceivers() {
    return this.sections
  }
  createOffer() {
    return Promise.resolve({ type: 'offer', sdp: `offer with ${this.sections.length}` })
  }
  setLocalDescription(description: { type: string; sdp: string }) {
    if (description.type === 'rollback') {
      this.signalingState = 'stable'
      for (const section of this.sections.slice(this.#named)) section.mid = null
      return Promise.resolve()
    }
    for (const [place, section] of this.sections.entries()) section.mid = String(place)
    this.localDescription = description
    this.signalingState = 'have-local-offer'
    return Promise.resolve()
  }
  taken: string[] = []
  setRemoteDescription({ sdp }: { sdp: string }) {
    if (this.rejectAnswers) return Promise.reject(new Error('bad'))
    this.taken.push(sdp)
    this.signalingState = 'stable'
    this.#named = this.sections.filter((one) => one.mid !== null).length
    this.currentLocalDescription = this.localDescription
    return Promise.resolve()
  }
  become(state: string) {
    this.connectionState = state
    this.onconnectionstatechange?.()
  }
}

const offers: Offer[] = []
const states: MediaState[] = []
let peer: Peer
const pc = (): FakePc => FakePc.made.at(-1)!
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)
async function answered(): Promise<void> {
  await settle()
  await peer.answer(offers.at(-1)!.offer_id, 'answer')
}

beforeEach(async () => {
  vi.useFakeTimers()
  FakePc.made = []
  offers.length = states.length = 0
  peer = newPeer()
  peer.begin()
  await settle()
})

function newPeer(more: Partial<PeerOptions> = {}): Peer {
  return new Peer({
    make: () => new FakePc() as unknown as RTCPeerConnection,
    receive: { audio: 3, video: 3 },
    offer: (offer) => Promise.resolve(void offers.push(offer)),
    state: (state) => void states.push(state),
    changed: () => undefined,
    now: () => Date.now(),
    setTimer: (act, ms) => setTimeout(act, ms),
    clearTimer: (timer) => clearTimeout(timer as number),
    ...more,
  })
}

describe('packets that are missed', () => {
  it('are worth a word at once, and a new path that is sought again only when the one before had time to come', async () => {
    peer.close()
    let [beat, words] = [0, 0]
    const getReceivers = () => [{ getSynchronizationSources: () => [{ source: 1, rtpTimestamp: beat }] }]
    peer = newPeer({ make: () => Object.assign(new FakePc(), { getReceivers }) as unknown as RTCPeerConnection, missed: () => (words += 1) })
    peer.begin()
    await answered()
    pc().become('connected')
    for (; beat < 20; beat += 1) await vi.advanceTimersByTimeAsync(100)
    const seen = async (ms: number): Promise<number[]> => {
      await vi.advanceTimersByTimeAsync(ms)
      return [words, pc().restartIce.mock.calls.length]
    }
    expect(await seen(350)).toEqual([1, 0])
    expect(await seen(250)).toEqual([1, 1])
    // The answer takes its time, and so does the path.
    expect(await seen(600)).toEqual([1, 1])
    await answered()
    expect(await seen(1_000)).toEqual([1, 1])
    expect(await seen(2_000)).toEqual([1, 2])
  })
})

describe('a section of which nothing comes any more', () => {
  it('is told, and told again when something comes', async () => {
    peer.close()
    const told: string[][] = []
    let beat = 0
    peer = newPeer({ make: () => Object.assign(new FakePc(), { getReceivers: () => [] }) as unknown as RTCPeerConnection, unheard: (mids) => told.push(mids) })
    peer.begin()
    Object.assign(pc().sections[2]!.receiver, { getSynchronizationSources: () => [{ source: 1, rtpTimestamp: beat }] })
    await answered()
    pc().become('connected')
    for (; beat < 10; beat += 1) await vi.advanceTimersByTimeAsync(100)
    await vi.advanceTimersByTimeAsync(1_500)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(600)
    expect(told).toEqual([['2']])
    beat += 1
    await vi.advanceTimersByTimeAsync(200)
    expect(told).toEqual([['2'], []])
  })
})

describe('another path', () => {
  const restarts = (): number => pc().restartIce.mock.calls.length
  /** A call whose socket went with its packets, which came steadily before. */
  const astray = async (): Promise<void> => {
    peer.close()
    let beat = 0
    const getReceivers = () => [{ getSynchronizationSources: () => [{ source: 1, rtpTimestamp: beat }] }]
    peer = newPeer({ make: () => Object.assign(new FakePc(), { getReceivers }) as unknown as RTCPeerConnection })
    peer.begin()
    await answered()
    pc().become('connected')
    for (; beat < 20; beat += 1) await vi.advanceTimersByTimeAsync(100)
    await vi.advanceTimersByTimeAsync(200)
    peer.setLinked(false)
    await vi.advanceTimersByTimeAsync(250)
    expect(restarts()).toBe(1)
  }

  it('that the server did not hear of yet is said again as it is, for it takes every network that comes', async () => {
    await astray()
    peer.setLinked(true)
    await settle()
    const said = offers.length
    peer.setLinked(false)
    peer.moved()
    peer.setLinked(true)
    await settle()
    expect([restarts(), offers.length]).toEqual([1, said + 1])
    await answered()
    peer.moved()
    expect(restarts()).toBe(2)
  })

  it('is sought anew by a browser that found no address, and soon', async () => {
    await astray()
    peer.setLinked(true)
    await settle()
    pc().iceGatheringState = 'complete'
    await answered()
    await vi.advanceTimersByTimeAsync(BARREN_MS + 150)
    expect(restarts()).toBe(2)
  })

  it('for which there is an address is given time to be tried', async () => {
    await astray()
    peer.setLinked(true)
    await settle()
    await answered()
    await vi.advanceTimersByTimeAsync(SOUGHT_MS - 200)
    pc().onicecandidate?.({ candidate: { protocol: 'tcp' } })
    pc().onicecandidate?.({ candidate: null })
    pc().onicecandidate?.({ candidate: { protocol: 'udp' } })
    pc().iceGatheringState = 'complete'
    await vi.advanceTimersByTimeAsync(SOUGHT_MS - 100)
    expect(restarts()).toBe(1)
    await vi.advanceTimersByTimeAsync(300)
    expect(restarts()).toBe(2)
  })
})

describe('a prepared connection', () => {
  beforeEach(() => {
    FakePc.made = []
    offers.length = 0
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
    await answered()
    peer.offerAgain()
    await settle()
    expect(offers.at(-1)).toMatchObject({ fresh: false })
    expect(offers).toHaveLength(2)
    expect(FakePc.made).toHaveLength(1)
  })
  it('is asked for when the socket is back, if it was said while there was none', async () => {
    await answered()
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
    await answered()
    expect(pc().signalingState).toBe('stable')
  })

  it('that the browser refuses lead to a new connection', async () => {
    pc().rejectAnswers = true
    await answered()
    await settle()
    expect(FakePc.made).toHaveLength(2)
    expect(offers.at(-1)).toMatchObject({ fresh: true })
  })
})

describe('one offer at a time', () => {
  it('keeps new sections back until the answer is there', async () => {
    peer.addSections(1, 1)
    await settle()
    expect(offers).toHaveLength(1)
    await answered()
    await settle()
    expect(offers).toHaveLength(2)
    expect(offers[1]).toMatchObject({ fresh: false, sdp: 'offer with 10' })
  })
})

describe('an offer that is refused', () => {
  const ask = async (more: () => void): Promise<void> => {
    more()
    await settle()
    expect(peer.refused(offers.at(-1)!.offer_id)).toBe(true)
  }

  it('is the end where nothing was agreed before', async () => {
    await ask(() => undefined)
    expect(peer.forgo()).toBeNull()
  })

  it('for more sections leaves those that were agreed, and is not made again', async () => {
    await answered()
    await ask(() => peer.addSections(1, 1))
    expect(peer.forgo()).toEqual({ screen: false, others: true })
    await settle()
    expect(pc().signalingState).toBe('stable')
    expect(pc().close).not.toHaveBeenCalled()
    expect(offers).toHaveLength(2)
    peer.moved()
    await answered()
    expect(offers.at(-1)).toMatchObject({ fresh: false, sdp: 'offer with 8' })
    peer.addSections(1, 0)
    expect(peer.setScreen({ kind: 'video' } as MediaStreamTrack)).toBe(false)
    await settle()
    expect(offers).toHaveLength(3)
    // Nor by a connection that begins anew; but there whoever comes is asked for again.
    peer.begin()
    await answered()
    expect(offers.at(-1)).toMatchObject({ fresh: true, sdp: 'offer with 8' })
    peer.addSections(1, 0)
    await answered()
    expect(offers.at(-1)).toMatchObject({ fresh: false, sdp: 'offer with 9' })
  })

  it('for a screen takes the screen alone', async () => {
    await answered()
    await ask(() => void peer.setScreen({ kind: 'video' } as MediaStreamTrack))
    expect(peer.forgo()).toEqual({ screen: true, others: false })
    await settle()
    expect(pc().sections).toHaveLength(8)
    peer.begin()
    await answered()
    expect(pc().sections).toHaveLength(8)
    expect(peer.setScreen({ kind: 'video' } as MediaStreamTrack)).toBe(true)
    await answered()
    expect(offers.at(-1)).toMatchObject({ sdp: 'offer with 9' })
  })

  it('for another path gives up nothing, and the next one is offered as ever', async () => {
    await answered()
    await ask(() => peer.moved())
    expect(peer.forgo()).toEqual({ screen: false, others: false })
    await settle()
    expect(offers).toHaveLength(2)
    expect(pc().signalingState).toBe('stable')
    peer.moved()
    await answered()
    expect(offers.at(-1)).toMatchObject({ fresh: false, sdp: 'offer with 8' })
  })

  it('lets what was asked for meanwhile have its turn', async () => {
    await answered()
    await ask(() => {
      peer.addSections(0, 1)
      peer.offerAgain()
    })
    expect(peer.forgo()).toEqual({ screen: false, others: true })
    await answered()
    expect(offers).toHaveLength(3)
    expect(offers.at(-1)).toMatchObject({ sdp: 'offer with 8' })
  })
})

describe('recovery', () => {
  beforeEach(async () => {
    await answered()
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
    await answered()
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
    await answered()
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
    await answered()
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
    await answered()
    expect(offers.map((offer) => offer.fresh)).toEqual([true, false, false])
    expect(FakePc.made).toHaveLength(1)
  })

  it('keeps sections that were added', async () => {
    peer.addSections(0, 1)
    await answered()
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

describe('a camera that nobody watches', () => {
  it('rests, and does not before anything was said, nor with a viewer', async () => {
    await answered()
    expect(peer.rests).toBe(false)
    peer.setLayers('1', [])
    expect(peer.rests).toBe(true)
    peer.setLayers('1', [0])
    expect(peer.rests).toBe(false)
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
      await answered()
      made.push(FakePc.made.length)
    }
    expect([made, failures]).toEqual([[2, 2, 3, 3, 4, 4, 5, 5], 1])
  })
})
