import { afterEach, describe, expect, it } from 'vitest'
import { dayAndTime, setLocale } from '@/i18n'
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

  it('says how often one person read for one reason, and from when to when', () => {
    const DAY = 86_400_000
    const [often, once] = readersWords([read({ at: 0 }), read({ at: 3 * DAY, since: DAY, times: 3, purpose: 'own_work' })])
    expect(often?.when).toBe(`${dayAndTime(DAY)} 至 ${dayAndTime(3 * DAY)}，共 3 次`)
    expect(once?.when).toBe(dayAndTime(0))
  })

  it('marks a read by somebody who had nothing to do with the visit', () => {
    const [odd, known] = readersWords([read({ at: 1, purpose: 'break_glass' }), read({ purpose: 'continuity' })])
    expect([odd?.isOdd, known?.isOdd]).toEqual([true, false])
    expect(odd?.why).toContain('医院会查')
    const [sealed] = readersWords([read({ purpose: 'dispute' })])
    expect([sealed?.isOdd, sealed?.why]).toEqual([true, expect.stringContaining('封存的病历')])
  })
})
