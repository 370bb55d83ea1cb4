import { describe, expect, it } from 'vitest'
import { encodings, sendLayers } from './simulcast'

/** A sender that keeps what it was told. */
function sender(count: number): { told: boolean[][]; sender: RTCRtpSender } {
  const parameters = { encodings: Array.from({ length: count }, () => ({ active: true })) }
  const told: boolean[][] = []
  const fake = {
    getParameters: () => structuredClone(parameters),
    setParameters: (next: typeof parameters) => {
      parameters.encodings = next.encodings
      told.push(next.encodings.map((one) => one.active))
      return Promise.resolve()
    },
  }
  return { told, sender: fake as unknown as RTCRtpSender }
}

describe('simulcast', () => {
  it('offers three sizes from small to large, and two from a machine with few cores', () => {
    expect(encodings(8).map((one) => one.rid)).toEqual(['q', 'h', 'f'])
    expect(encodings(undefined)).toHaveLength(3)
    expect(encodings(2).map((one) => one.rid)).toEqual(['h', 'f'])
  })

  it('sends what is watched and nothing else, and says it once', async () => {
    const { told, sender: one } = sender(3)
    await sendLayers(one, [0, 2])
    await sendLayers(one, [0, 2])
    await sendLayers(one, [])
    await sendLayers(one, [2])
    expect(told).toEqual([
      [true, false, true],
      [false, false, false],
      [false, false, true],
    ])
  })
})
