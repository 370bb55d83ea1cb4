// The declaration as a doctor reads it, and as the first lines of a note. Facts as the patient stated them; nothing is concluded.

import { isAnswered, type Item, type Questionnaire } from '@/protocol/questionnaire'
import type { Answers, NoteContent, Text, Vitals } from '@/protocol/types'

type Language = keyof Text

/** One answered question. `weight`: what a doctor looks for first. */
export interface Fact {
  id: string
  question: string
  answer: string
  /** What the question is about, as a record says it. */
  note: string
  weight: 'flag' | 'yes' | 'plain' | 'no'
}

const WORDS = {
  zh: { yes: '是', no: '否', denies: '否认', and: '、', then: '；', colon: '：', stop: '。', days: (n: number) => `${n}天`, stated: '（据患者网上申报）' },
  en: { yes: 'yes', no: 'no', denies: 'Denies', and: ', ', then: '; ', colon: ': ', stop: '.', days: (n: number) => `for ${n} days`, stated: '(as declared online by the patient)' },
} as const

/** All answered questions in the order of the questionnaire. */
export function factsOf(questionnaire: Questionnaire, answers: Answers, language: Language): Fact[] {
  return questionnaire.pages.flatMap((page) => page.items).flatMap((item) => {
    const value = answers[item.id]
    if (item.type === 'group' || !isAnswered(value)) return []
    const question = bare(item.text[language] || item.text.zh)
    return [{ id: item.id, question, note: item.note?.[language] || item.note?.zh || question, answer: answerText(item, value, language), weight: weightOf(item, value) }]
  })
}

/** Where *none* means that the complaint is not there. Of food and drink it means that neither stays down. */
const ABSENT = ['sx.cough', 'sx.dysp', 'sx.vomit', 'rf.preg', 'epi.6']

/** A yes to these is how things should be: abilities, papers, promises. */
const ORDINARY = ['loc.now', 'rf.room', 'su.promise', 'co.proof']

function weightOf(item: Item, value: unknown): Fact['weight'] {
  // What somebody has or can do is no complaint: to say no to it denies nothing, and is what a doctor looks for.
  if (ORDINARY.includes(item.id)) return value === false ? 'yes' : 'plain'
  if (value === true) return item.redFlag ? 'flag' : 'yes'
  if (value === false || ((value === 'none' || value === 'no') && ABSENT.includes(item.id))) return 'no'
  if (Array.isArray(value) && value.every((one) => item.options.find((option) => option.value === one)?.exclusive)) return 'no'
  return 'plain'
}

function answerText(item: Item, value: unknown, language: Language): string {
  const words = WORDS[language]
  if (typeof value === 'boolean') return value ? words.yes : words.no
  const word = (one: unknown): string => {
    const option = item.options.find((each) => each.value === one)
    return option ? option.text[language] || option.text.zh : String(one)
  }
  if (Array.isArray(value)) return value.map(word).join(words.and)
  return item.unit ? `${String(value)} ${UNITS[item.unit]?.[language] ?? item.unit}` : word(value)
}

/** UCUM is for machines. */
const UNITS: Readonly<Record<string, Text>> = {
  Cel: { zh: '℃', en: '°C' },
  '/min': { zh: '次/分', en: '/min' },
  'mm[Hg]': { zh: 'mmHg', en: 'mmHg' },
  d: { zh: '天', en: 'days' },
  wk: { zh: '周', en: 'weeks' },
}

/** A question as the name of a fact: 胸口痛吗？ becomes 胸口痛. */
function bare(question: string): string {
  return question.replace(/吗?[?？]?\s*$/, '').trim()
}

/** The fields of a note that the declaration can begin. */
export interface Prefill {
  complaint: string
  history: string
  background: string
  vitals: Partial<Vitals>
}

const PRESENT = ['sx.', 'fev.', 'ch.', 'epi.']
const BEFORE = ['rf.', 'co.proof']
const MEASURED: Readonly<Record<keyof Vitals, readonly string[]>> = {
  // A second measurement replaces the first.
  temperature: ['sx.temp.again', 'sx.temp'],
  heart_rate: ['vs.hr'],
  respiratory_rate: ['vs.rr'],
  oxygen_saturation: ['vs.spo2.again', 'vs.spo2'],
  systolic: ['vs.bp.sys'],
  diastolic: ['vs.bp.dia'],
}
/** Not for the note: where somebody lives, and the question that is asked in confidence. */
const PRIVATE = ['sx.self']

export function prefill(questionnaire: Questionnaire, answers: Answers, language: Language): Prefill {
  const words = WORDS[language]
  const facts = factsOf(questionnaire, answers, language).filter((fact) => !PRIVATE.includes(fact.id))
  const reason = facts.find((fact) => fact.id === 'co.reason')?.answer ?? ''
  const days = answers['fev.days']
  const complaint = [reason, typeof days === 'number' && days > 0 ? words.days(days) : ''].filter(Boolean).join(language === 'en' ? ' ' : '')
  return {
    complaint,
    history: paragraph(facts.filter((fact) => PRESENT.some((prefix) => fact.id.startsWith(prefix))), language),
    background: paragraph(facts.filter((fact) => BEFORE.some((prefix) => fact.id.startsWith(prefix))), language),
    vitals: Object.fromEntries(
      Object.entries(MEASURED).flatMap(([name, ids]) => {
        const value = ids.map((id) => answers[id]).find((one) => typeof one === 'number')
        return value === undefined ? [] : [[name, value]]
      }),
    ) as Partial<Vitals>,
  }
}

/** What is there, line by line; what is not, in one line. */
function paragraph(facts: readonly Fact[], language: Language): string {
  const words = WORDS[language]
  if (facts.length === 0) return ''
  const there = facts.filter((fact) => fact.weight !== 'no').map((fact) => `${fact.note}${words.colon}${fact.answer}${words.stop}`)
  const denied = facts.filter((fact) => fact.weight === 'no').map((fact) => fact.note)
  if (denied.length > 0) there.push(`${words.denies}${words.colon}${denied.join(words.then)}${words.stop}`)
  return [...there, words.stated].join('\n')
}

/** Fills what is empty. A word that the doctor wrote is never replaced. */
export function fillIn(content: NoteContent, from: Prefill): NoteContent {
  const vitals = { ...content.vitals }
  for (const [name, value] of Object.entries(from.vitals)) vitals[name as keyof Vitals] ??= value ?? null
  return {
    ...content,
    complaint: content.complaint || from.complaint,
    history: content.history || from.history,
    background: content.background || from.background,
    vitals,
  }
}
