import { describe, expect, it } from 'vitest'
import { deaf, listen, marksOf, UNHEARD_MS, type Ears } from './unheard'

/** Looks every tenth of a second; `mark` says what is noted at each. */
function looks(until: number, mark: (at: number) => Record<string, string>, pause = 100): { at: number; unheard: string[] }[] {
  const said: { at: number; unheard: string[] }[] = []
  let ears: Ears = deaf
  for (let at = 10_000; at < 10_000 + until; at += pause) {
    const heard = listen(ears, new Map(Object.entries(mark(at - 10_000))), at)
    ears = heard.ears
    if (JSON.stringify(heard.unheard) !== JSON.stringify(said.at(-1)?.unheard ?? [])) said.push({ at: at - 10_000, unheard: heard.unheard })
  }
  return said
}

describe('a receiving section', () => {
  it('is unheard two seconds after its last packet, until the next', () => {
    const until = (at: number): string => (at < 3_000 || at >= 8_000 ? String(at) : '2900')
    expect(looks(10_000, (at) => ({ 2: until(at), 3: String(at) }))).toEqual([{ at: 2_900 + UNHEARD_MS, unheard: ['2'] }, { at: 8_000, unheard: [] }])
  })
  it('stays so where the browser forgot its sender, and is not where nothing ever came', () => {
    expect(looks(20_000, (at) => ({ 2: at < 3_000 ? String(at) : at < 13_000 ? '2900' : '', 3: '' }))).toEqual([{ at: 4_900, unheard: ['2'] }])
  })
  it('is not in a pause of speech', () => {
    expect(looks(60_000, (at) => ({ 2: String(Math.floor(at / 400)) }))).toEqual([])
  })
  it('is not because the page slept', () => {
    const mark = (at: number): Record<string, string> => ({ 2: String(Math.floor(at / 30_000)) })
    expect(looks(120_000, mark, 15_000)).toEqual([])
  })
})

describe('what sections noted', () => {
  it('is told by their names, and those without one are passed over', () => {
    const section = (mid: string | null, noted: object[]): object => ({ mid, receiver: { getSynchronizationSources: () => noted } })
    const sections = [section('1', [{ source: 7, rtpTimestamp: 9 }]), section(null, []), section('2', []), { mid: '3', receiver: {} }]
    expect([...marksOf({ getTransceivers: () => sections } as unknown as RTCPeerConnection)]).toEqual([['1', '7:9'], ['2', ''], ['3', '']])
  })
})
