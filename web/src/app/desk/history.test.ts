import { describe, expect, it } from 'vitest'
import type { Item, Questionnaire } from '@/protocol/questionnaire'
import { EMPTY_NOTE } from './note'
import { factsOf, fillIn, overtaken, prefill, waitedLine } from './history'

function item(id: string, zh: string, type: Item['type'], part: Partial<Item> = {}): Item {
  return { id, text: { zh, en: `${id}?` }, hint: null, note: null, type, required: false, options: [], unit: '', min: null, max: null, maxLength: 0, partOf: '', format: '', when: null, redFlag: false, pledge: false, ...part }
}
const option = (value: string, zh: string, exclusive = false) => ({ value, text: { zh, en: value }, exclusive })
const questionnaire: Questionnaire = {
  version: 'v',
  pages: [
    { id: 'a', title: null, items: [
      item('co.reason', '您今天为什么来？', 'choice', { options: [option('fever', '发热')] }),
      item('sx.temp', '现在的体温', 'decimal', { unit: 'Cel' }),
      item('sx.temp.again', '再量一次', 'decimal', { unit: 'Cel' }),
      item('fev.days', '连续发热几天了？', 'integer', { unit: 'd' }),
      item('sx.chest', '胸口痛吗？', 'boolean', { redFlag: true }),
      item('sx.neck', '脖子僵硬吗？', 'boolean', { redFlag: true, note: { zh: '颈强直', en: 'stiff neck' } }),
      item('sx.lips', '嘴唇发青吗？', 'boolean'),
      item('sx.vomit', '呕吐得厉害吗？', 'choice', { options: [option('none', '没有')] }),
      item('sx.intake', '吃饭喝水怎么样？', 'choice', { options: [option('none', '吃不下也喝不下')], note: { zh: '进食饮水', en: 'eating and drinking' } }),
      item('rf.room', '能单独住一间吗？', 'boolean'),
      item('sx.self', '有没有想过伤害自己？', 'boolean'),
      item('rf.dis', '有慢性病吗？', 'choices', { options: [option('lung', '肺病'), option('none', '没有', true)] }),
      item('rf.allergy', '过敏', 'text'),
      item('vs.hr', '脉搏', 'integer', { unit: '/min' }),
      item('id.addr.door', '门牌', 'string'),
    ] },
  ],
}
const answers = { 'co.reason': 'fever', 'sx.temp': 38.9, 'sx.temp.again': 38.2, 'fev.days': 2, 'sx.chest': true, 'sx.neck': false, 'sx.lips': false, 'rf.room': true, 'sx.vomit': 'none', 'sx.intake': 'none', 'sx.self': true, 'rf.dis': ['none'], 'rf.allergy': '青霉素', 'vs.hr': 88, 'id.addr.door': '1幢' }

describe('factsOf', () => {
  it('weighs red flags before the rest', () => {
    const facts = factsOf(questionnaire, answers, 'zh')
    expect(facts.find((fact) => fact.id === 'sx.chest')).toMatchObject({ question: '胸口痛', answer: '是', weight: 'flag' })
    expect(facts.find((fact) => fact.id === 'rf.dis')).toMatchObject({ answer: '没有', weight: 'no' })
    // How things should be does not stand before what troubles.
    expect(facts.find((fact) => fact.id === 'rf.room')).toMatchObject({ answer: '是', weight: 'plain' })
    expect(facts.find((fact) => fact.id === 'sx.temp')?.answer).toBe('38.9 ℃')
  })
})

describe('prefill', () => {
  const filled = prefill(questionnaire, answers, 'zh')
  it('begins the complaint with the reason and the days', () => {
    expect(filled.complaint).toBe('发热2天')
  })
  it('writes what is there line by line and what is denied in one line', () => {
    expect(filled.history).toContain('胸口痛：是。')
    expect(filled.history).toContain('否认：颈强直；嘴唇发青；呕吐得厉害。')
    // “None” of food and drink is no denial: it is the worst answer.
    expect(filled.history).toContain('进食饮水：吃不下也喝不下。')
    expect(filled.background).toContain('过敏：青霉素。')
  })
  it('writes an ability that is not there as a fact of its own, never among what is denied', () => {
    const without = prefill(questionnaire, { ...answers, 'rf.room': false }, 'zh')
    expect(without.background).toContain('能单独住一间：否。')
    expect(without.background).not.toMatch(/否认:.*能单独住一间/)
    expect(factsOf(questionnaire, { 'rf.room': false }, 'zh')[0]).toMatchObject({ weight: 'yes' })
  })
  it('takes the second measurement', () => {
    expect(filled.vitals).toEqual({ temperature: 38.2, heart_rate: 88 })
  })
  it('leaves out the address and what was asked in confidence', () => {
    expect(JSON.stringify(filled)).not.toContain('1幢')
    expect(filled.history).not.toContain('伤害')
  })
  it('is there in English', () => {
    expect(prefill(questionnaire, answers, 'en').complaint).toBe('fever for 2 days')
  })
})

describe('what was said while waiting', () => {
  const at = Date.UTC(2026, 10, 29, 8, 5)
  const worse = { at, breathing: 'worse', general: 'worse', temperature: 39.6 } as const
  const declared = { ...answers, 'sx.dysp': 'none', 'sx.fever': false, 'sx.worse': 'same' }
  const asked: Questionnaire = {
    ...questionnaire,
    pages: [...questionnaire.pages, { id: 'b', title: null, items: [
      item('sx.fever', '发热吗？', 'boolean'),
      item('sx.dysp', '喘吗？', 'choice', { options: [option('none', '不喘')], note: { zh: '呼吸费力', en: 'laboured breathing' } }),
      item('sx.worse', '和昨天比怎么样？', 'choice', { options: [option('same', '差不多')] }),
    ] }],
  }
  it('stands over the declaration, with its time: figures, and nothing is denied that was said later', () => {
    const filled = prefill(asked, declared, 'zh', [worse])
    expect(filled.vitals.temperature).toBe(39.6)
    expect(filled.history).toMatch(/现在的体温：39\.6 ℃（候诊中 \d\d:05）。/)
    expect(filled.history).toMatch(/候诊中 \d\d:05 自述：呼吸加重，整体情况加重，体温 39\.6 ℃。/)
    expect(filled.history).not.toMatch(/38\.2|呼吸费力|差不多|否认：.*发热/)
    expect(factsOf(asked, declared, 'zh', [worse]).map((fact) => fact.id)).not.toContain('sx.dysp')
  })
  it('leaves the declaration as it was where it says nothing else', () => {
    expect(prefill(asked, declared, 'zh', [])).toEqual(prefill(asked, declared, 'zh'))
    expect(prefill(asked, declared, 'zh').history).toContain('呼吸费力')
    const bad = { ...declared, 'sx.dysp': 'rest', 'sx.temp.max': 40 }
    expect(overtaken(bad, [worse])).toMatchObject({ 'sx.dysp': 'rest', 'sx.temp.max': 40, 'sx.temp': 39.6 })
    expect(overtaken(bad, [{ at, breathing: 'same', general: 'same', temperature: 39.2 }])).toMatchObject({ 'sx.worse': 'same', 'sx.temp': 39.2 })
  })
  it('is taken from the newest answer that measured, and said as it went', () => {
    const later = { at: at + 60_000, breathing: 'better', general: 'same' } as const
    const filled = prefill(asked, declared, 'zh', [later, worse])
    expect(filled.vitals.temperature).toBe(39.6)
    expect(filled.history.indexOf('呼吸加重')).toBeLessThan(filled.history.indexOf('呼吸减轻'))
    expect(filled.history).not.toContain('呼吸费力')
    expect(waitedLine(worse, 'en')).toMatch(/^Said while waiting, \d\d:05: breathing worse, in general worse, 39\.6 °C\.$/)
  })
})

describe('fillIn', () => {
  it('replaces nothing that the doctor wrote', () => {
    const note = { ...EMPTY_NOTE, complaint: '头痛', vitals: { ...EMPTY_NOTE.vitals, temperature: 36.8 } }
    const filled = fillIn(note, prefill(questionnaire, answers, 'zh'))
    expect(filled.complaint).toBe('头痛')
    expect(filled.vitals).toMatchObject({ temperature: 36.8, heart_rate: 88 })
    expect(filled.history).not.toBe('')
  })
})
