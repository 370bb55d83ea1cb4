import { describe, expect, it } from 'vitest'
import { deviceFault, found, heardFor, HELP, isUntried, tried, untried, type Lamps } from './devices'

const all: Lamps = { camera: 'ok', mic: 'ok', speaker: 'yes', network: 'good' }

describe('the check before a call', () => {
  it('may be left when everything was tried, whatever it found', () => {
    expect(tried(all)).toBe(true)
    expect(tried({ ...all, mic: 'silent' })).toBe(false)
    expect(tried({ camera: 'off', mic: 'off', speaker: 'no', network: 'none' })).toBe(true)
  })

  it('names what is still missing, in the order of the rows', () => {
    expect(untried({ camera: 'ok', mic: 'silent', speaker: 'unknown', network: 'testing' })).toEqual(['mic', 'speaker', 'network'])
    expect(untried(all)).toEqual([])
  })

  it('tells the doctor what was found', () => {
    const black = { ...all, camera: 'black', network: 'testing' } as const
    expect(found(black)).toEqual({ camera: false, microphone: true, speaker: true, network: 'untested' })
  })

  it('calls nothing bad that was not tried before voice only was chosen', () => {
    const untouched = { camera: false, microphone: false, speaker: false, network: 'untested' } as const
    expect([isUntried(untouched, 'microphone'), isUntried(untouched, 'speaker')]).toEqual([true, true])
    expect(isUntried({ ...untouched, network: 'good' }, 'microphone')).toBe(false)
    expect(isUntried({ ...untouched, microphone: true }, 'speaker')).toBe(false)
  })

  it('has a help page for every trouble', () => {
    const troubles = ['denied', 'denied_by_system', 'not_found', 'constrained', 'busy', 'insecure', 'unsupported', 'failed'] as const
    expect(troubles.map(deviceFault)).toEqual(['denied', 'system', 'missing', 'missing', 'busy', 'insecure', 'insecure', 'other'])
  })

  it('takes a click for a click and short words for a voice', () => {
    const click = [0.9, 0, 0, 0, 0].reduce((sum, level) => heardFor(sum, level, 0.3, 100), 0)
    expect(click).toBeLessThan(100)
    const words = [0.5, 0, 0.6, 0, 0.5, 0.4].reduce((sum, level) => heardFor(sum, level, 0.3, 100), 0)
    expect(words).toBeGreaterThan(300)
  })
})

describe('the help pages of the check', () => {
  const well = { camera: 'ok', mic: 'ok', speaker: 'yes', network: 'good' } as const
  const topics = (lamps: Lamps) => [HELP.camera(lamps), HELP.mic(lamps), HELP.speaker(lamps), HELP.network(lamps)].filter((topic) => topic !== null)

  it('are shown for what is wrong and for nothing else', () => {
    expect(topics(well)).toEqual([])
    expect(topics({ ...well, network: 'fair', camera: 'off', mic: 'off' })).toEqual([])
    expect(topics({ camera: 'black', mic: 'silent', speaker: 'no', network: 'none' })).toEqual(['black', 'silent', 'unheard', 'blocked'])
    expect(topics({ ...well, network: 'poor' })).toEqual(['weak'])
  })
})
