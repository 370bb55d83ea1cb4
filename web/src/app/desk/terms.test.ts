import { describe, expect, it } from 'vitest'
import { match } from './terms'

const choice = (code: string, zh: string, en: string, ...initials: string[]) => ({ code, text: { zh, en }, initials })
const PULSES = [choice('fu', '浮脉', 'floating pulse', 'fm'), choice('hong', '洪脉', 'surging pulse', 'hm'), choice('hidden', '伏脉', 'hidden pulse', 'fm'), choice('hua', '滑脉', 'slippery pulse', 'hm')]
const codes = (typed: string, limit?: number): string[] => match(PULSES, typed, limit).map((one) => one.code)

describe('a choice', () => {
  it('is found by initials, Chinese and English', () => {
    expect(codes('hm')).toEqual(['hong', 'hua'])
    expect(codes('HM')).toEqual(['hong', 'hua'])
    expect(codes('滑')).toEqual(['hua'])
    expect(codes('float')).toEqual(['fu'])
    expect(codes('xx')).toEqual([])
  })

  it('is listed in its order when nothing is typed', () => {
    expect(codes('', 2)).toEqual(['fu', 'hong'])
  })
})
