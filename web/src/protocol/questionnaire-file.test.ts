import { describe, expect, it } from 'vitest'
import { readQuestionnaire } from './questionnaire-file'

const both = (text: string) => ({ zh: text, en: text })
const ask = (id: string, more: object = {}) => ({ link_id: id, type: 'boolean', text: both(id), required: true, ...more })

describe('the questionnaire file', () => {
  it('leaves out what others answer', () => {
    const file = { version: '1', pages: [{ id: 'p', title: both('p'), items: [ask('a'), ask('b', { by: 'clinician' }), ask('c', { by: 'upload' })] }] }
    expect(readQuestionnaire(file).pages.map((page) => page.items.map((item) => item.id))).toEqual([['a']])
  })

  it('cuts a long page, and never between a group and its parts', () => {
    const items = [ask('a'), ask('b'), ask('c'), { link_id: 'g', type: 'group', text: both('g') }, ask('g.1', { part_of: 'g' }), ask('g.2', { part_of: 'g' })]
    const pages = readQuestionnaire({ version: '1', pages: [{ id: 'p', title: both('p'), items }] }).pages
    expect(pages.map((page) => [page.id, page.items.map((item) => item.id)])).toEqual([
      ['p', ['a', 'b', 'c']],
      ['p.1', ['g', 'g.1', 'g.2']],
    ])
  })

  it('reads conditions, options and limits', () => {
    const when = { all: [{ item: 'a', op: 'eq', value: true }, { any: [{ item: 'age', op: 'lt', value: 6 }] }] }
    const options = [{ code: 'x', text: both('x') }, { code: 'none', text: both('none'), exclusive: true }]
    const file = { version: '1', pages: [{ id: 'p', items: [ask('q', { type: 'choices', options, when }), ask('t', { type: 'quantity', unit: 'Cel', min: 30, max: 45 })] }] }
    const [q, t] = readQuestionnaire(file).pages[0]?.items ?? []
    expect(q?.when).toEqual({ all: [{ item: 'a', op: 'eq', value: true }, { any: [{ item: 'age', op: 'lt', value: 6 }] }] })
    expect(q?.options.map((one) => one.exclusive)).toEqual([false, true])
    expect(t).toMatchObject({ type: 'decimal', unit: 'Cel', min: 30, max: 45 })
  })
})
