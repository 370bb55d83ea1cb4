import { beforeEach, describe, expect, it, vi } from 'vitest'
import { BARREN_MS, SOUGHT_MS } from './path'
import type { Peer, PeerOptions } from './peer'
import { answered, begun, FakePc, offers, pc, settle } from './testing'

let peer: Peer
beforeEach(async () => {
  peer = await begun()
})

/** A call whose packets come steadily, until they are missed. */
async function steady(more: Partial<PeerOptions> = {}): Promise<void> {
  peer.close()
  let beat = 0
  const getReceivers = () => [{ getSynchronizationSources: () => [{ source: 1, rtpTimestamp: beat }] }]
  peer = await begun({ make: () => Object.assign(new FakePc(), { getReceivers }) as unknown as RTCPeerConnection, ...more })
  await answered(peer)
  pc().become('connected')
  for (; beat < 20; beat += 1) await vi.advanceTimersByTimeAsync(100)
}
const restarts = (): number => pc().restartIce.mock.calls.length

describe('packets that are missed', () => {
  it('are worth a word at once, and a new path that is sought again only when the one before had time to come', async () => {
    let words = 0
    await steady({ missed: () => (words += 1) })
    const seen = async (ms: number): Promise<number[]> => {
      await vi.advanceTimersByTimeAsync(ms)
      return [words, restarts()]
    }
    expect(await seen(350)).toEqual([1, 0])
    expect(await seen(250)).toEqual([1, 1])
    // The answer takes its time, and so does the path.
    expect(await seen(600)).toEqual([1, 1])
    await answered(peer)
    expect(await seen(1_000)).toEqual([1, 1])
    expect(await seen(2_000)).toEqual([1, 2])
  })
})

describe('another path', () => {
  /** A call whose socket went with its packets, which came steadily before. */
  const astray = async (): Promise<void> => {
    await steady()
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
    await answered(peer)
    peer.moved()
    expect(restarts()).toBe(2)
  })

  it('is sought anew by a browser that found no address, and soon', async () => {
    await astray()
    peer.setLinked(true)
    await settle()
    pc().iceGatheringState = 'complete'
    await answered(peer)
    await vi.advanceTimersByTimeAsync(BARREN_MS + 150)
    expect(restarts()).toBe(2)
  })

  it('for which there is an address is given time to be tried', async () => {
    await astray()
    peer.setLinked(true)
    await settle()
    await answered(peer)
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

describe('a section of which nothing comes any more', () => {
  it('is told, and told again when something comes', async () => {
    peer.close()
    const told: string[][] = []
    let beat = 0
    peer = await begun({ make: () => Object.assign(new FakePc(), { getReceivers: () => [] }) as unknown as RTCPeerConnection, unheard: (mids) => told.push(mids) })
    Object.assign(pc().sections[2]!.receiver, { getSynchronizationSources: () => [{ source: 1, rtpTimestamp: beat }] })
    await answered(peer)
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
