import { describe, expect, it } from 'vitest'
import { deviceFault, found, isBlack, loudness, tried, verdict, type Lamps } from './devices'

const all: Lamps = { camera: 'ok', mic: 'ok', speaker: 'yes', network: 'good' }

describe('the check before a call', () => {
  it('may be left when everything was tried, whatever it found', () => {
    expect(tried(all)).toBe(true)
    expect(tried({ ...all, mic: 'silent' })).toBe(false)
    expect(tried({ camera: 'off', mic: 'off', speaker: 'no', network: 'none' })).toBe(true)
  })

  it('tells the doctor what was found', () => {
    expect(found({ ...all, camera: 'black', network: 'testing' })).toEqual({ camera: false, microphone: true, speaker: true, network: 'untested' })
  })

  it('has a help page for every refusal of a browser', () => {
    expect(['NotAllowedError', 'NotFoundError', 'NotReadableError', 'SecurityError', 'Odd'].map(deviceFault)).toEqual(['denied', 'missing', 'busy', 'insecure', 'other'])
  })

  it('knows a covered lens and a silent room', () => {
    expect(isBlack(new Uint8ClampedArray([0, 0, 0, 255, 3, 3, 3, 255]))).toBe(true)
    expect(isBlack(new Uint8ClampedArray([90, 90, 90, 255]))).toBe(false)
    expect(loudness(new Float32Array(64))).toBe(0)
    expect(loudness(new Float32Array(64).fill(0.3))).toBeGreaterThan(0.9)
  })

  it('judges loss and delay together', () => {
    expect([verdict(0, 80), verdict(0.05, 80), verdict(0, 500), verdict(0.2, 80)]).toEqual(['good', 'fair', 'fair', 'poor'])
  })
})
