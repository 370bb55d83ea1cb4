import { describe, expect, it } from 'vitest'
import { BUDGET } from './ladder'
import { aim, encodings, limitVoice, sendLayers } from './simulcast'

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

describe('a change of a sender', () => {
  /** A browser that takes its time, and refuses the first `refusals` changes. */
  function slow(refusals: number) {
    let parameters = { encodings: [{ active: true }] }
    let free = Promise.resolve()
    const fake = {
      getParameters: () => structuredClone(parameters),
      setParameters: (next: typeof parameters) => {
        refusals -= 1
        if (refusals >= 0) return Promise.reject(new DOMException('busy', 'InvalidStateError'))
        free = free.then(() => void (parameters = next))
        return free
      },
    }
    return { sender: fake as unknown as RTCRtpSender, told: () => parameters.encodings[0]?.active }
  }

  it('that is asked for while another is under way is made after it', async () => {
    const one = slow(0)
    const first = sendLayers(one.sender, [])
    void sendLayers(one.sender, [0])
    await first
    expect(one.told()).toBe(true)
  })

  it('that was refused once is asked for again, and one that is always refused is given up', async () => {
    const once = slow(1)
    await sendLayers(once.sender, [])
    expect(once.told()).toBe(false)
    const always = slow(Infinity)
    await sendLayers(always.sender, [])
    expect(always.told()).toBe(true)
  })
})

describe('a budget', () => {
  /** A camera with these sizes, and what its encoders were told last. */
  function camera(cores: number | undefined) {
    let parameters = { encodings: encodings(cores) }
    const fake = {
      getParameters: () => structuredClone(parameters),
      setParameters: (next: typeof parameters) => {
        parameters = next
        return Promise.resolve()
      },
    }
    return { sender: fake as unknown as RTCRtpSender, told: () => parameters.encodings }
  }
  const active = (all: RTCRtpEncodingParameters[]) => all.filter((one) => one.active !== false).map((one) => one.rid)

  it('that is small is for the smallest size alone, whatever is watched, and for nothing when nobody watches', async () => {
    for (const cores of [8, 2]) {
      const one = camera(cores)
      for (const watched of [null, [1], [0, 1]]) {
        await aim(one.sender, watched, BUDGET.low)
        expect(active(one.told())).toEqual([one.told()[0]?.rid])
        expect(one.told()[0]?.maxBitrate).toBeLessThanOrEqual(250_000)
      }
      await aim(one.sender, [], BUDGET.low)
      expect(active(one.told())).toEqual([])
    }
  })

  it('for a voice beside stills is 16 kbit/s', async () => {
    const voice = camera(8)
    await limitVoice(voice.sender, BUDGET.still)
    expect(voice.told()[0]?.maxBitrate).toBe(16_000)
  })

  it('that is full again gives every size back as it was offered', async () => {
    const one = camera(8)
    await aim(one.sender, null, BUDGET.low)
    await aim(one.sender, [1, 2], BUDGET.full)
    expect(active(one.told())).toEqual(['h', 'f'])
    expect(one.told().map((each) => [each.scaleResolutionDownBy, each.maxBitrate])).toEqual(encodings(8).map((each) => [each.scaleResolutionDownBy, each.maxBitrate]))
  })
})
