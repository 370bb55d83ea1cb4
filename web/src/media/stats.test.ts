import { describe, expect, it } from 'vitest'
import { compare, grade, read, RISE_MS, smooth, UNSAID_MS, unmeasured, type Measure, type Reading } from './stats'

const calm: Measure = { loss: 0, lossOut: 0, rttMs: 40, fps: 24, kbpsIn: 500, kbpsOut: 500, freezes: 0, received: 100, available: null, suffers: true, shrinks: false }
const reading = (part: Partial<Reading>): Reading => ({ at: 0, received: 0, lost: 0, bytesIn: 0, bytesOut: 0, freezes: 0, framesDecoded: 0, rtt: null, lossOut: null, unsaid: null, available: null, encoded: 0, coarseness: null, isShrunk: false, ...part })

describe('read', () => {
  it('adds up the sections and takes the round trip of the pair in use', () => {
    const report = [
      { type: 'inbound-rtp', packetsReceived: 10, packetsLost: 1, bytesReceived: 100, framesDecoded: 5 },
      { type: 'inbound-rtp', packetsReceived: 20, packetsLost: -1, bytesReceived: 50 },
      { type: 'remote-inbound-rtp', fractionLost: 0.2, roundTripTime: 0.5 },
      { type: 'candidate-pair', state: 'succeeded', nominated: true, currentRoundTripTime: 0.05, availableOutgoingBitrate: 3e5 },
      { type: 'candidate-pair', state: 'failed', nominated: false, currentRoundTripTime: 9 },
      { type: 'codec' },
    ]
    expect(read(report, 7)).toEqual(reading({ at: 7, received: 30, lost: 1, bytesIn: 150, framesDecoded: 5, rtt: 0.05, lossOut: 0.2, available: 3e5 }))
  })
})

describe('how coarse the own picture is', () => {
  const sent = (mimeType: string, qpSum: number): ReturnType<typeof read> =>
    read([{ type: 'outbound-rtp', codecId: 'c', framesEncoded: 10, qpSum }, { type: 'codec', id: 'c', mimeType }], 0)
  const suffers = (mimeType: string, qp: number): boolean => compare(reading({ encoded: 0, coarseness: 0 }), sent(mimeType, qp * 10)).suffers
  it.each([
    ['video/VP8', 49, false],
    ['video/VP8', 50, true],
    ['video/H264', 27, false],
    ['video/H264', 28, true],
  ])('is told of %s by its own scale: %s', (codec, qp, expected) => expect(suffers(codec, qp)).toBe(expected))

  it.each([['bandwidth', true], ['cpu', false], ['none', false], [undefined, false]])('is cut by the browser for %s: %s', (reason, expected) => {
    const report = [{ type: 'outbound-rtp', kind: 'video', qualityLimitationReason: reason }, { type: 'outbound-rtp', kind: 'audio' }]
    expect(compare(reading({}), read(report, 2000)).shrinks).toBe(expected)
  })
})

describe('compare', () => {
  it('takes packets for lost of which the relay has said nothing for long, where any were sent', () => {
    const said = (ago: number): Reading => read([{ type: 'outbound-rtp', bytesSent: 500, timestamp: 90_000 }, { type: 'remote-inbound-rtp', fractionLost: 0.1, timestamp: 90_000 - ago }], 2000)
    expect([0, UNSAID_MS - 1, UNSAID_MS].map((ago) => compare(reading({}), said(ago)).lossOut)).toEqual([0.1, 0.1, 1])
    // A microphone that is off sends nothing, and the relay has nothing to say.
    expect(compare(said(UNSAID_MS - 2000), said(UNSAID_MS)).lossOut).toBe(0.1)
  })

  it('measures what happened between two readings', () => {
    const measure = compare(reading({ at: 0 }), reading({ at: 2000, received: 90, lost: 10, bytesIn: 1000, framesDecoded: 48, rtt: 0.1 }))
    expect(measure).toMatchObject({ loss: 0.1, rttMs: 100, fps: 24, kbpsIn: 4 })
  })
  it('is not confused by a new connection that counts from nought', () => {
    expect(compare(reading({ at: 0, received: 900, lost: 9 }), reading({ at: 2000, received: 5 }))).toMatchObject({ loss: 0, received: 0 })
  })
})

describe('grade', () => {
  it.each([
    ['good', {}],
    ['fair', { loss: 0.03 }],
    ['fair', { rttMs: 300 }],
    ['fair', { freezes: 1 }],
    ['poor', { loss: 0.1 }],
    ['poor', { lossOut: 0.12 }],
    ['poor', { rttMs: 800 }],
    ['good', { rttMs: null }],
  ] as const)('calls it %s at %o', (word, part) => {
    expect(grade({ ...calm, ...part })).toBe(word)
  })
})

describe('smooth', () => {
  it('drops at once and rises after six seconds', () => {
    let state = smooth(unmeasured, calm, true, 0)
    expect(state.quality).toBe('good')
    state = smooth(state, { ...calm, loss: 0.2 }, true, 2000)
    expect(state.quality).toBe('poor')
    state = smooth(state, calm, true, 4000)
    expect(state.quality).toBe('poor')
    state = smooth(state, calm, true, 4000 + RISE_MS)
    expect(state.quality).toBe('good')
  })
  it('starts the six seconds anew after a relapse', () => {
    let state = smooth(smooth(unmeasured, { ...calm, loss: 0.2 }, true, 0), calm, true, 2000)
    state = smooth(state, { ...calm, loss: 0.2 }, true, 4000)
    state = smooth(state, calm, true, 6000)
    expect(smooth(state, calm, true, 8000).quality).toBe('poor')
  })
  it('calls silence a loss only when somebody should be heard', () => {
    const silent = { ...calm, received: 0 }
    let alone = unmeasured
    let together = unmeasured
    for (let n = 0; n < 3; n += 1) {
      alone = smooth(alone, silent, false, n * 2000)
      together = smooth(together, silent, true, n * 2000)
    }
    expect([alone.quality, together.quality]).toEqual(['good', 'lost'])
  })
})
