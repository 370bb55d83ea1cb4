import { describe, expect, it } from 'vitest'
import type { Answers } from '@/protocol/types'
import { createDeclaration } from './declaration'
import type { PatientStore } from './store'

const asked = (link_id: string) => ({ link_id, type: 'boolean', text: { zh: link_id, en: link_id }, required: true, red_flag: true })
const file = {
  version: '1',
  pages: [
    { id: 'reason', title: { zh: '原因', en: 'Reason' }, items: [asked('co.reason')] },
    { id: 'redflags', title: { zh: '危险', en: 'Danger' }, items: [asked('sx.chest'), asked('sx.lips')] },
    { id: 'rest', title: { zh: '其他', en: 'Rest' }, items: [asked('sx.heat')] },
  ],
}

async function begin(denied: string[], answers: Answers = {}) {
  const saved: Answers[] = []
  let view = { id: 'd', patient: 'p', questionnaire: '1', version: 1, answers, missing: [], saved_at: 0 }
  const store = {
    known: { patient: { id: 'p', age_years: 70, sex: 'female' } },
    memory: { get: () => null, set: () => undefined },
    session: { http: { get: async () => file } },
    alreadyDenied: () => denied,
    beginDeclaration: async () => view,
    fetchDeclaration: async () => view,
    saveAnswers: async (_: string, version: number, changed: Answers) => {
      saved.push(changed)
      view = { ...view, version: version + 1, answers: { ...view.answers, ...changed } }
      return view
    },
    submitDeclaration: async () => undefined,
  } as unknown as PatientStore
  const form = createDeclaration(store)
  await form.load()
  return { form, saved, titles: () => form.pages.value.map((page) => page.title?.zh) }
}
const pick = (form: Awaited<ReturnType<typeof begin>>['form'], id: string) => form.pages.value.flatMap((page) => page.items).find((item) => item.id === id)!

describe('what the first page asked', () => {
  it('is not asked again, and is sent as it was answered', async () => {
    const { form, saved, titles } = await begin(['sx.chest', 'sx.lips'])
    expect(titles()).toEqual(['原因', '其他'])
    expect(form.resumed.value).toBe(false)
    form.answer(pick(form, 'co.reason'), true)
    form.answer(pick(form, 'sx.heat'), false)
    expect(form.open.value).toEqual([])
    await form.submit()
    expect(Object.assign({}, ...saved)).toEqual({ 'sx.chest': false, 'sx.lips': false, 'co.reason': true, 'sx.heat': false })
  })

  it('can be looked at and changed', async () => {
    const { form, titles } = await begin(['sx.chest', 'sx.lips'])
    form.lookAgain()
    expect(titles()).toEqual(['原因', '危险', '其他'])
    expect(form.page.value?.title?.zh).toBe('危险')
    form.answer(pick(form, 'sx.lips'), true)
    expect([form.typed['sx.chest'], form.typed['sx.lips'], form.passed.value]).toEqual([false, true, []])
  })

  it('never speaks over what was answered in the declaration', async () => {
    const { form, titles } = await begin(['sx.chest', 'sx.lips'], { 'sx.lips': true })
    expect(titles()).toEqual(['原因', '危险', '其他'])
    expect(form.typed['sx.lips']).toBe(true)
    expect(form.pages.value[1]?.items.map((item) => item.id)).toEqual(['sx.lips'])
  })

  it('is asked in the declaration where it was not answered before', async () => {
    const { form, titles } = await begin([])
    expect(titles()).toEqual(['原因', '危险', '其他'])
    expect(form.typed).toEqual({})
  })
})
