import { describe, expect, it } from 'vitest'
import { faultOf, holds, missing, readNumber, visiblePages, type Item } from './questionnaire'

const item = (more: Partial<Item>): Item => ({
  id: 'a', text: { zh: '', en: '' }, hint: null, note: null, type: 'boolean', required: true, options: [], unit: '', min: null, max: null,
  maxLength: 200, partOf: '', format: '', when: null, redFlag: false, pledge: false, ...more,
})

describe('a questionnaire', () => {
  it('asks what depends on an answer only after that answer', () => {
    const pages = [{ id: '1', title: null, items: [item({}), item({ id: 'b', when: { item: 'a', op: 'eq', value: true } })] }]
    const asked = (answers: Record<string, unknown>) => visiblePages({ version: '1', pages }, answers, {})[0]?.items.map((i) => i.id)
    expect(asked({})).toEqual(['a'])
    expect(asked({ a: false })).toEqual(['a'])
    expect(asked({ a: true })).toEqual(['a', 'b'])
    expect(missing(visiblePages({ version: '1', pages }, { a: true }, {}), { a: true }).map((i) => i.id)).toEqual(['b'])
  })

  it('takes a promise that was refused for an answer of its own, and not for none', () => {
    const promise = item({ pledge: true })
    expect([faultOf(promise, null), faultOf(promise, false), faultOf(promise, true)]).toEqual(['choose', 'pledge', null])
    // It is saved as it was said: the server is not left with an earlier yes.
    expect(faultOf({ ...promise, required: false }, false)).toBeNull()
    const open = (answer: boolean) => missing([{ id: '1', title: null, items: [promise] }], { a: answer }).length
    expect([open(false), open(true)]).toEqual([1, 0])
    expect(faultOf(item({}), false)).toBeNull()
  })

  it('lets a page without questions disappear', () => {
    const pages = [{ id: 'child', title: null, items: [item({ when: { item: 'age', op: 'lt', value: 6 } })] }]
    expect(visiblePages({ version: '1', pages }, {}, { age: 70 })).toEqual([])
    expect(visiblePages({ version: '1', pages }, {}, { age: 4 })).toHaveLength(1)
  })

  it('knows lists, ranges and their opposites', () => {
    expect(holds({ item: 'd', op: 'has', value: 'x' }, { d: ['x', 'y'] }, {})).toBe(true)
    expect(holds({ all: [{ item: 'age', op: 'ge', value: 12 }, { item: 'age', op: 'le', value: 55 }] }, {}, { age: 55 })).toBe(true)
    expect(holds({ not: { item: 'd', op: 'answered', value: true } }, {}, {})).toBe(true)
  })

  it('reads numbers as people type them, and refuses what cannot be', () => {
    expect(readNumber('38,5')).toBe(38.5)
    expect(readNumber('38度')).toBe(38)
    expect(readNumber('38.5 ℃')).toBe(38.5)
    expect(readNumber('度')).toBeNull()
    expect(readNumber('38.5')).toBe(38.5)
    const temperature = item({ type: 'decimal', min: 30, max: 45 })
    expect(faultOf(temperature, '385')).toBe('range')
    expect(faultOf(temperature, '38.5')).toBeNull()
    expect(faultOf(temperature, 'hot')).toBe('number')
    expect(faultOf({ ...temperature, required: false }, '')).toBeNull()
    expect(faultOf(item({ type: 'date' }), '2024-02-30')).toBe('date')
  })
})
