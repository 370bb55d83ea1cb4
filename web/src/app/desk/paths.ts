// Places in a note, as a doctor calls them; and values, as a doctor reads them.

import { isKey, pick, t } from '@/i18n'
import type { ExamForm } from '@/protocol/record'

/** The name of a place: its field, and what of it. */
export function placeName(path: readonly string[], form: ExamForm | null): string {
  const [first = '', second = '', third = '', ...rest] = path
  const word = (key: string, otherwise: string): string => (isKey(key) ? t(key) : otherwise)
  if (first === 'vitals') return word(`record.${second}`, second)
  if (first === 'diagnoses') return t('record.diagnosis')
  if (first === 'principle') return t('exam.principle')
  if (first !== 'exams') return word(`record.${first}`, first)
  if (second === 'findings') {
    const field = form?.fields.find((one) => one.id === third)
    const label = field ? pick(field.label) : third
    return rest.includes('words') ? `${label}${t('common.aside', { text: t('exam.words') })}` : label
  }
  if (second === 'pulse') {
    const parts = [third, ...rest].map((part) => word(`exam.pulse.${part}`, '')).filter(Boolean)
    return [t('exam.pulse'), ...parts].join(' ')
  }
  if (second === 'tongue') return word(`exam.tongue.${third === 'colour_card' ? 'card' : third === 'stained_within_2h' ? 'food' : third}`, t('exam.tongue'))
  if (second === 'women') return word(`exam.${third}`, t('exam.pregnancy'))
  return word(`exam.${second}`, second)
}

/** A value in words; codes by their names. */
export function valueWords(value: unknown, form: ExamForm | null): string {
  if (value === null || value === undefined || value === '') return t('exam.nothing')
  if (typeof value === 'boolean') return value ? t('common.yes') : t('common.no')
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return nameOf(value, form)
  if (Array.isArray(value)) return value.length === 0 ? t('exam.nothing') : value.map((one) => valueWords(one, form)).join(t('common.and'))
  const object = value as Record<string, unknown>
  if (typeof object['zh'] === 'string' && typeof object['en'] === 'string') return `${pick({ zh: object['zh'], en: object['en'] })} ${typeof object['code'] === 'string' ? object['code'] : ''}`.trim()
  if (object['state'] === 'not_taken') return t(object['why'] === 'declined' ? 'exam.pulse.declined' : 'exam.pulse.remote')
  return Object.values(object).filter((one) => one !== 'taken').map((one) => valueWords(one, form)).join(t('common.then'))
}

function nameOf(code: string, form: ExamForm | null): string {
  if (!form) return code
  const lists = [form.tongue, form.coating, form.sublingual, form.pulses, form.principles, ...form.fields.map((field) => field.choices)]
  const found = lists.flat().find((one) => one.code === code)
  return found ? pick(found.text) : code
}

/** The place of a field that the server names: `content.exams.findings.ask.sweat.words`. The id of a finding holds a dot. */
export function pathOf(field: string): string[] {
  const [, id, words] = /^content\.exams\.findings\.(.+?)(\.words)?$/.exec(field) ?? []
  return id === undefined ? field.split('.').slice(1) : ['exams', 'findings', id, ...(words ? ['words'] : [])]
}

/** In which tab of the record a field of the note stands: `content.vitals.temperature` with what was found. */
export function tabOf(field: string): 'history' | 'exam' | 'diagnosis' {
  const [, name = ''] = field.split('.')
  if (['complaint', 'history', 'background'].includes(name)) return 'history'
  return ['exams', 'vitals', 'examination'].includes(name) ? 'exam' : 'diagnosis'
}
