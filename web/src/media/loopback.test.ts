import { describe, expect, it } from 'vitest'
import { isPicture, judge, watchLoopback, type Sampler } from './loopback'
import { loudness, VOICE } from './meter'
import type { Reading } from './stats'

const at = (ms: number, part: Partial<Reading> = {}): Reading => ({ at: ms, received: 0, lost: 0, bytesIn: 0, bytesOut: 0, freezes: 0, framesDecoded: 0, rtt: 0.05, lossOut: null, unsaid: null, available: null, encoded: 0, coarseness: null, isShrunk: false, ...part })

describe('judge', () => {
  it.each([
    ['good', { received: 100, lost: 2 }],
    ['fair', { received: 100, lost: 8 }],
    ['poor', { received: 100, lost: 30 }],
    ['none', {}],
    ['fair', { received: 100, rtt: 0.4 }],
    ['poor', { received: 100, rtt: 0.9 }],
  ] as const)('calls the network %s at %o', (network, part) => {
    expect(judge([at(0, { rtt: 'rtt' in part ? part.rtt : 0.05 }), at(2000, part)], true, true).network).toBe(network)
  })
  it('has nothing to say without readings', () => {
    expect(judge([], false, false)).toMatchObject({ network: 'none', rttMs: null })
  })
})

describe('a picture', () => {
  it('is not black', () => {
    expect(isPicture(new Uint8ClampedArray(400))).toBe(false)
    expect(isPicture(Uint8ClampedArray.from({ length: 400 }, (_, n) => (n % 4 === 3 ? 255 : 8)))).toBe(false)
    expect(isPicture(Uint8ClampedArray.from({ length: 400 }, (_, n) => (n === 40 ? 255 : 8)))).toBe(true)
  })
})

describe('a voice', () => {
  it('is louder than a quiet room', () => {
    expect(loudness(new Float32Array(512))).toBe(0)
    expect(loudness(new Float32Array(512).fill(0.0005))).toBeLessThan(VOICE)
    expect(loudness(new Float32Array(512).fill(0.1))).toBeGreaterThan(VOICE)
  })
})

describe('watchLoopback', () => {
  it('remembers a word that was said and a picture that was seen once', async () => {
    let now = 0
    const sampler: Sampler = {
      stats: () => Promise.resolve([{ type: 'inbound-rtp', packetsReceived: now / 10, bytesReceived: now }]),
      pixels: () => (now === 500 ? [200, 200, 200, 255] : null),
      level: () => (now === 750 ? 0.9 : 0),
      now: () => now,
      wait: (ms) => Promise.resolve(void (now += ms)),
    }
    expect(await watchLoopback(sampler, VOICE, 2000)).toMatchObject({ network: 'good', camera: true, voice: true })
  })
})
