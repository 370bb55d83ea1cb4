import { afterEach, describe, expect, it } from 'vitest'
import { setLocale } from '@/i18n'
import type { ReadView } from '@/protocol/record'
import { readersWords } from './readers'

const read = (part: Partial<ReadView>): ReadView => ({ at: 0, name: { zh: '演示医师', en: 'Demo Doctor' }, title: { zh: '主治医师', en: 'Attending physician' }, is_own: false, purpose: 'treating', ...part })

describe('who read my record', () => {
  afterEach(() => setLocale('zh-CN'))

  it('names the reader and says why in plain words, in both languages', async () => {
    const reads = [read({ at: 1 }), read({ at: 0, is_own: true, purpose: null })]
    expect(readersWords(reads).map((one) => [one.who, one.why])).toEqual([['演示医师 主治医师', '为您看病时查看'], ['您自己', '您自己打开看的']])
    await setLocale('en')
    expect(readersWords(reads).map((one) => one.who)).toEqual(['Demo Doctor Attending physician', 'You'])
    expect(readersWords(reads)[0]?.why).toMatch(/while treating you/)
  })

  it('says of the pharmacist and of the second doctor what they did, too', () => {
    const why = (['review', 'countersign', 'treatment'] as const).map((purpose) => readersWords([read({ purpose })])[0]?.why)
    expect(why).toEqual(['药师审核您的处方', '另一位医生核对并一起签名（双签）', '为您看病时查看'])
  })

  it('tells what one person opened within an hour as one, and says how often', () => {
    const MINUTE = 60_000
    const told = readersWords([0, 1, 2, 90].map((at) => read({ at: at * MINUTE })))
    expect(told).toHaveLength(2)
    expect(told[1]?.when).toContain('3 次')
    expect(readersWords([read({ at: 0 }), read({ at: MINUTE, purpose: 'own_work' })])).toHaveLength(2)
  })

  it('marks a read by somebody who had nothing to do with the visit', () => {
    const [odd, known] = readersWords([read({ at: 1, purpose: 'break_glass' }), read({ purpose: 'continuity' })])
    expect([odd?.isOdd, known?.isOdd]).toEqual([true, false])
    expect(odd?.why).toContain('医院会查')
    const [sealed] = readersWords([read({ purpose: 'dispute' })])
    expect([sealed?.isOdd, sealed?.why]).toEqual([true, expect.stringContaining('封存的病历')])
  })
})
