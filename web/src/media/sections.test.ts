import { beforeEach, describe, expect, it } from 'vitest'
import type { Peer } from './peer'
import { answered, begun, offers, pc, settle } from './testing'

let peer: Peer
beforeEach(async () => {
  peer = await begun()
})

describe('one offer at a time', () => {
  it('keeps new sections back until the answer is there', async () => {
    peer.addSections(1, 1)
    await settle()
    expect(offers).toHaveLength(1)
    await answered(peer)
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
    await answered(peer)
    await ask(() => peer.addSections(1, 1))
    expect(peer.forgo()).toEqual({ screen: false, others: true })
    await settle()
    expect(pc().signalingState).toBe('stable')
    expect(pc().close).not.toHaveBeenCalled()
    expect(offers).toHaveLength(2)
    peer.moved()
    await answered(peer)
    expect(offers.at(-1)).toMatchObject({ fresh: false, sdp: 'offer with 8' })
    peer.addSections(1, 0)
    expect(peer.setScreen({ kind: 'video' } as MediaStreamTrack)).toBe(false)
    await settle()
    expect(offers).toHaveLength(3)
    // Nor by a connection that begins anew; but there whoever comes is asked for again.
    peer.begin()
    await answered(peer)
    expect(offers.at(-1)).toMatchObject({ fresh: true, sdp: 'offer with 8' })
    peer.addSections(1, 0)
    await answered(peer)
    expect(offers.at(-1)).toMatchObject({ fresh: false, sdp: 'offer with 9' })
  })

  it('for a screen takes the screen alone', async () => {
    await answered(peer)
    await ask(() => void peer.setScreen({ kind: 'video' } as MediaStreamTrack))
    expect(peer.forgo()).toEqual({ screen: true, others: false })
    await settle()
    expect(pc().sections).toHaveLength(8)
    peer.begin()
    await answered(peer)
    expect(pc().sections).toHaveLength(8)
    expect(peer.setScreen({ kind: 'video' } as MediaStreamTrack)).toBe(true)
    await answered(peer)
    expect(offers.at(-1)).toMatchObject({ sdp: 'offer with 9' })
  })

  it('for another path gives up nothing, and the next one is offered as ever', async () => {
    await answered(peer)
    await ask(() => peer.moved())
    expect(peer.forgo()).toEqual({ screen: false, others: false })
    await settle()
    expect(offers).toHaveLength(2)
    expect(pc().signalingState).toBe('stable')
    peer.moved()
    await answered(peer)
    expect(offers.at(-1)).toMatchObject({ fresh: false, sdp: 'offer with 8' })
  })

  it('lets what was asked for meanwhile have its turn', async () => {
    await answered(peer)
    await ask(() => {
      peer.addSections(0, 1)
      peer.offerAgain()
    })
    expect(peer.forgo()).toEqual({ screen: false, others: true })
    await answered(peer)
    expect(offers).toHaveLength(3)
    expect(offers.at(-1)).toMatchObject({ sdp: 'offer with 8' })
  })
})

describe('a camera that nobody watches', () => {
  it('rests, and does not before anything was said, nor with a viewer', async () => {
    await answered(peer)
    expect(peer.rests).toBe(false)
    peer.setLayers('1', [])
    expect(peer.rests).toBe(true)
    peer.setLayers('1', [0])
    expect(peer.rests).toBe(false)
  })
})
