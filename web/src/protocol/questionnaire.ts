import type { Answers, Text } from './types'

/** A questionnaire as the screen needs it. The server's file is read into this shape once, by `readQuestionnaire`. */
export interface Questionnaire {
  version: string
  pages: Page[]
}
export interface Page {
  id: string
  title: Text | null
  items: Item[]
}
export type ItemType = 'boolean' | 'choice' | 'choices' | 'integer' | 'decimal' | 'date' | 'string' | 'text'
  /** A heading over the questions that name it in `partOf`; nothing to answer. */
  | 'group'
export interface Item {
  id: string
  text: Text
  hint: Text | null
  /** What it is about, in the words of a record. */
  note: Text | null
  type: ItemType
  required: boolean
  options: Option[]
  unit: string
  min: number | null
  max: number | null
  maxLength: number
  /** The group or question that this one belongs to: they share a page. */
  partOf: string
  /** `phone`: a telephone number. */
  format: string
  when: Condition | null
  /** A yes here is a red flag. */
  redFlag: boolean
  /** A promise: only a yes is an answer to go on with. */
  pledge: boolean
}
export interface Option {
  value: string
  text: Text
  /** Excludes every other option: “none of these”. */
  exclusive: boolean
}
/** When a question is asked. `fact` names something known without asking: `age`, `sex`. */
export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }
  | { item: string; op: Op; value: unknown }
export type Op = 'eq' | 'ne' | 'in' | 'has' | 'lt' | 'le' | 'gt' | 'ge' | 'answered'

/** What is known of the patient without asking. */
export type Facts = Readonly<Record<string, unknown>>

/** Whether a condition holds. What is not answered yet makes every comparison false, as on the server. */
export function holds(condition: Condition | null, answers: Answers, facts: Facts): boolean {
  if (condition === null) return true
  if ('all' in condition) return condition.all.every((one) => holds(one, answers, facts))
  if ('any' in condition) return condition.any.some((one) => holds(one, answers, facts))
  if ('not' in condition) return !holds(condition.not, answers, facts)
  const known = answers[condition.item] ?? facts[condition.item]
  const { op, value } = condition
  if (op === 'answered') return (known !== undefined && known !== null) === (value ?? true)
  if (known === undefined || known === null) return false
  switch (op) {
    case 'eq':
      return known === value
    case 'ne':
      return known !== value
    case 'in':
      return Array.isArray(value) && value.includes(known)
    case 'has':
      return Array.isArray(known) && (Array.isArray(value) ? value.some((v) => known.includes(v)) : known.includes(value))
    case 'lt':
      return Number(known) < Number(value)
    case 'le':
      return Number(known) <= Number(value)
    case 'gt':
      return Number(known) > Number(value)
    case 'ge':
      return Number(known) >= Number(value)
    default:
      return op satisfies never
  }
}

/** The pages that have something to ask, each with what it asks now. */
export function visiblePages(questionnaire: Questionnaire, answers: Answers, facts: Facts): Page[] {
  return questionnaire.pages
    .map((page) => ({ ...page, items: page.items.filter((item) => holds(item.when, answers, facts)) }))
    .filter((page) => page.items.some((item) => item.type !== 'group'))
}

export function isAnswered(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
}

/** A promise that was not given: answered, and still nothing to go on with. */
export function isUnpledged(item: Item, value: unknown): boolean {
  return item.pledge && value === false
}

/** Required and asked, but not answered, in order. A promise that was not given is open as well, as on the server. */
export function missing(pages: readonly Page[], answers: Answers): Item[] {
  const isOpen = (item: Item) => !isAnswered(answers[item.id]) || isUnpledged(item, answers[item.id])
  return pages.flatMap((page) => page.items).filter((item) => item.required && item.type !== 'group' && isOpen(item))
}

/** Whether an answer says that the danger which the question asks about is there. */
export function raisesFlag(item: Item, value: unknown): boolean {
  if (!item.redFlag) return false
  if (!Array.isArray(value)) return value === true
  return value.some((one) => !item.options.find((option) => option.value === one)?.exclusive)
}

export type ItemFault = 'required' | 'choose' | 'number' | 'range' | 'date' | 'pledge'

/** What is wrong with one answer as typed, if anything. Numbers may be typed with a comma or full-width digits. */
export function faultOf(item: Item, typed: unknown): ItemFault | null {
  if (!isAnswered(typed)) {
    if (!item.required) return null
    return item.type === 'boolean' || item.type === 'choice' || item.type === 'choices' ? 'choose' : 'required'
  }
  if (item.type === 'integer' || item.type === 'decimal') {
    const number = typeof typed === 'number' ? typed : readNumber(String(typed))
    if (number === null || (item.type === 'integer' && !Number.isInteger(number))) return 'number'
    if ((item.min !== null && number < item.min) || (item.max !== null && number > item.max)) return 'range'
  }
  if (item.type === 'date' && !isDay(String(typed))) return 'date'
  if (item.required && isUnpledged(item, typed)) return 'pledge'
  return null
}

export function readNumber(text: string): number | null {
  // People write the unit as well: 38度, 38.5℃ (which becomes °C).
  const tidy = text.normalize('NFKC').trim().replace(/\s*(?:度|°?C)$/i, '').replace(',', '.').replace('。', '.')
  return /^\d+(?:\.\d+)?$/.test(tidy) ? Number(tidy) : null
}

function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`)
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}
