import { describe, expect, it } from 'vitest'
import type { Finding, Formula, FormulaTemplate, Needs } from '@/protocol/prescriptions'
import { EMPTY_HERBAL, grams, milligrams, offersOf, openFinding, sheetOf, warned } from './rx'

const finding = (needs: Needs, key: string = needs): Finding => ({ key, rule: key, lines: [0], severity: 'warn', needs, fact: { zh: '', en: '' }, source: { zh: '', en: '' }, edition: '' })

describe('weights', () => {
  it('are whole milligrams, whatever is typed', () => {
    expect(['9', '0.5', '1,5', ' 15 ', '0.015'].map(milligrams)).toEqual([9000, 500, 1500, 15_000, 15])
  })
  it('are none where a unit, a sign or nothing is typed', () => {
    expect(['', '9 g', '-9', '0', '1e3', '501', '0.0001', '九'].map(milligrams)).toEqual(Array(8).fill(null))
  })
  it('come back as they were typed', () => {
    expect([9000, 500, 15].map(grams)).toEqual(['9', '0.5', '0.015'])
  })
})

describe('findings', () => {
  it('are open until each has its reason, and what no reason opens stays', () => {
    expect(openFinding([finding('nothing'), finding('answer')], {})?.key).toBe('answer')
    expect(openFinding([finding('answer'), finding('confirm')], { answer: '病情需要', confirm: ' ' })?.key).toBe('confirm')
    expect(openFinding([finding('answer'), finding('second_doctor')], { answer: '病情需要', second_doctor: '病情需要' })).toBeNull()
    for (const needs of ['ask', 'never'] as const) expect(openFinding([finding(needs)], { [needs]: '病情需要' })?.key).toBe(needs)
  })
})

describe('what is signed a second time', () => {
  it('is what was warned of, and nothing that another signs or that one answer opens', () => {
    const all = (['nothing', 'answer', 'confirm', 'second_doctor'] as const).map((needs) => finding(needs))
    expect(warned(all).map((one) => one.key)).toEqual(['confirm'])
    expect(warned([finding('answer')])).toEqual([])
  })
})

describe('a formula', () => {
  it('becomes a sheet that says where it is from, and names that are asked stay open', () => {
    const formula: Formula = {
      code: 'X', name: '某方', pinyin: 'moufang', initials: 'mf', en: 'some formula', stage: '', pattern: '', protocol: '', times_per_day: 3, doses: 3, timing: 'before_meal',
      lines: [{ written: '贯众', mg: 9000, certainty: 'recall' }, { written: '生石膏', mg: 15_000, mg_to: 30_000, method: 'first', certainty: 'found' }],
    }
    const sheet = sheetOf(formula)
    expect(sheet).toMatchObject({ formula: '某方', times_per_day: 3, timing: 'before_meal', ml: 200 })
    expect(sheet.lines).toEqual([{ written: '贯众', mg: 9000 }, { written: '生石膏', mg: 15_000, method: 'first' }])
  })
  it('of the doctor is offered by a part of its name, before those of the protocol, and goes in as it was kept', () => {
    const own = (id: string, name: string): FormulaTemplate => ({ id, name, version: 1, herbal: { ...EMPTY_HERBAL, formula: name, doses: 7, lines: [{ written: '茯苓', mg: 9000 }] } })
    const protocol: Formula = { code: 'X', name: '某方', pinyin: '', initials: '', en: 'other', stage: '', pattern: '寒湿', protocol: '', times_per_day: 3, doses: 3, timing: 'any', lines: [{ written: '贯众', mg: 9000, certainty: 'recall' }] }
    const offers = offersOf([own('1', 'Qing 化湿方'), own('2', '止咳方')], [protocol], ' qing')
    expect(offers.map(({ key, name, pattern, isRecall }) => [key, name, pattern, isRecall])).toEqual([['1', 'Qing 化湿方', null, false], ['X', '某方', '寒湿', true]])
    expect(offers.map(({ sheet }) => [sheet.formula, sheet.doses])).toEqual([['Qing 化湿方', 7], ['某方', 3]])
  })
})
