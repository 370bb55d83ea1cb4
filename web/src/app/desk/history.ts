// The declaration as a doctor reads it, and as the first lines of a note. Facts as the patient stated them; nothing is concluded.

import { isAnswered, type Item, type Questionnaire } from '@/protocol/questionnaire'
import { clockTime } from '@/i18n'
import type { SaidWaiting } from '@/protocol/staff'
import type { Answers, Change, NoteContent, Text, Vitals } from '@/protocol/types'

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

/** All answered questions in the order of the questionnaire. What was said again in the waiting room stands over them:
 *  nothing is denied that was said later. */
export function factsOf(questionnaire: Questionnaire, declared: Answers, language: Language, waited: readonly SaidWaiting[] = []): Fact[] {
  const answers = overtaken(declared, waited)
  const measured = waited.find((said) => said.temperature !== undefined)
  return questionnaire.pages.flatMap((page) => page.items).flatMap((item) => {
    const value = answers[item.id]
    if (item.type === 'group' || !isAnswered(value)) return []
    const question = bare(item.text[language] || item.text.zh)
    const answer = answerText(item, value, language)
    const when = item.id === 'sx.temp' && measured ? WAITED[language].at(clockTime(measured.at)) : ''
    return [{ id: item.id, question, note: item.note?.[language] || item.note?.zh || impersonal(question), answer: answer + when, weight: weightOf(item, value) }]
  })
}

/** A question as its reader, who is not asked, says what it is about. */
function impersonal(question: string): string {
  return question.replace(/^您的?/, '').replace(/^Your (\w)/, (_, first: string) => first.toUpperCase())
}

/** Laboured breathing, and a child's. To be no worse than yesterday says nothing after one got worse while waiting. */
const BREATHING = ['sx.dysp', 'ch.dist']
const COMPARED = 'sx.worse'
const FEVER = 37.3

/** The declared answers that still hold, with the temperature that was measured last. */
export function overtaken(declared: Answers, waited: readonly SaidWaiting[]): Answers {
  const answers = { ...declared }
  const drop = (id: string, when = true): void => {
    if (when) delete answers[id]
  }
  const isWorse = (name: 'breathing' | 'general'): boolean => waited.some((said) => said[name] === 'worse' || said[name] === 'much_worse')
  const temperature = waited.find((said) => said.temperature !== undefined)?.temperature
  if (temperature !== undefined) {
    answers['sx.temp'] = temperature
    drop('sx.temp.again')
    drop('sx.temp.site')
    drop('sx.fever', temperature >= FEVER && answers['sx.fever'] === false)
    drop('sx.temp.max', typeof answers['sx.temp.max'] === 'number' && answers['sx.temp.max'] < temperature)
  }
  if (isWorse('breathing')) for (const id of BREATHING) drop(id, answers[id] === 'none' || answers[id] === false)
  drop(COMPARED, isWorse('breathing') || isWorse('general'))
  return answers
}

const WAITED = {
  zh: {
    at: (time: string) => `（候诊中 ${time}）`,
    line: (time: string, parts: readonly string[]) => `候诊中 ${time} 自述：${parts.join('，')}。`,
    breathing: '呼吸', general: '整体情况', better: '减轻', same: '同前', worse: '加重', much_worse: '明显加重', space: '', temperature: (n: number) => `体温 ${n} ℃`,
  },
  en: {
    at: (time: string) => ` (while waiting, ${time})`,
    line: (time: string, parts: readonly string[]) => `Said while waiting, ${time}: ${parts.join(', ')}.`,
    breathing: 'breathing', general: 'in general', better: 'better', same: 'the same', worse: 'worse', much_worse: 'much worse', space: ' ', temperature: (n: number) => `${n} °C`,
  },
} as const

/** One answer of the waiting room as a sentence, with its time. */
export function waitedLine(said: SaidWaiting, language: Language): string {
  const words = WAITED[language]
  const change = (name: 'breathing' | 'general', how: Change): string => `${words[name]}${words.space}${words[how]}`
  const parts = [change('breathing', said.breathing), change('general', said.general), ...(said.temperature === undefined ? [] : [words.temperature(said.temperature)])]
  return words.line(clockTime(said.at), parts)
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

export function prefill(questionnaire: Questionnaire, declared: Answers, language: Language, waited: readonly SaidWaiting[] = []): Prefill {
  const words = WORDS[language]
  const answers = overtaken(declared, waited)
  const facts = factsOf(questionnaire, declared, language, waited).filter((fact) => !PRIVATE.includes(fact.id))
  const reason = facts.find((fact) => fact.id === 'co.reason')?.answer ?? ''
  const days = answers['fev.days']
  const complaint = [reason, typeof days === 'number' && days > 0 ? words.days(days) : ''].filter(Boolean).join(language === 'en' ? ' ' : '')
  return {
    complaint,
    // As it went: the last word last, before where it is from.
    history: paragraph(facts.filter((fact) => PRESENT.some((prefix) => fact.id.startsWith(prefix))), language, [...waited].reverse().map((said) => waitedLine(said, language))),
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
function paragraph(facts: readonly Fact[], language: Language, later: readonly string[] = []): string {
  const words = WORDS[language]
  if (facts.length + later.length === 0) return ''
  const there = facts.filter((fact) => fact.weight !== 'no').map((fact) => `${fact.note}${words.colon}${fact.answer}${words.stop}`)
  const denied = facts.filter((fact) => fact.weight === 'no').map((fact) => fact.note)
  if (denied.length > 0) there.push(`${words.denies}${words.colon}${denied.join(words.then)}${words.stop}`)
  return [...there, ...later, words.stated].join('\n')
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
