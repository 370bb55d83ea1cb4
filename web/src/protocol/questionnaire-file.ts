import type { Condition, Item, ItemType, Op, Option, Page, Questionnaire } from './questionnaire'
import type { Text } from './types'

type Raw = Record<string, unknown>

const TYPES: Readonly<Record<string, ItemType>> = {
  boolean: 'boolean', choice: 'choice', choices: 'choices', multi_choice: 'choices', integer: 'integer', decimal: 'decimal',
  quantity: 'decimal', number: 'decimal', date: 'date', string: 'string', text: 'text', group: 'group',
}

/** More questions than this on one page tire: longer pages of the file are cut, but never between a group and its parts. */
const PER_PAGE = 4

/** Reads the server's questionnaire. Questions that only a clinician answers, or of a type unknown here, are left out. */
export function readQuestionnaire(file: unknown): Questionnaire {
  const raw = record(file)
  const pages = list(raw['pages'] ?? raw['sections'])
  return {
    version: string(raw['version']),
    pages: (pages.length > 0 ? pages.map(readPage) : pagesOfItems(list(raw['items']))).flatMap(cut),
  }
}

/** Cuts a long page. The cut depends on the file alone, so that no question jumps to another page while it is answered. */
function cut(page: Page): Page[] {
  const families: Item[][] = []
  for (const item of page.items) {
    const home = item.partOf === '' ? undefined : families.find((family) => family.some((one) => one.id === item.partOf))
    if (home) home.push(item)
    else families.push([item])
  }
  const pages: Page[] = []
  let size = 0
  for (const family of families) {
    const count = family.filter((item) => item.type !== 'group').length
    const last = pages.at(-1)
    if (last && size + count <= PER_PAGE) {
      last.items.push(...family)
      size += count
    } else {
      pages.push({ ...page, id: pages.length === 0 ? page.id : `${page.id}.${pages.length}`, items: [...family] })
      size = count
    }
  }
  return pages
}

function readPage(value: unknown, index: number): Page {
  const raw = record(value)
  const title = raw['title'] ?? raw['text']
  return {
    id: string(raw['id']) || String(index),
    title: title === undefined ? null : text(title),
    items: list(raw['items']).flatMap(readItem),
  }
}

/** A flat list: neighbours that name the same page share it. */
function pagesOfItems(items: readonly unknown[]): Page[] {
  const pages: Page[] = []
  for (const value of items) {
    const raw = record(value)
    const id = string(raw['page'] ?? raw['section'] ?? raw['group']) || string(raw['link_id'])
    const last = pages.at(-1)
    const page = last?.id === id ? last : { id, title: null, items: [] }
    if (page !== last) pages.push(page)
    page.items.push(...readItem(value))
  }
  return pages.filter((page) => page.items.length > 0)
}

function readItem(value: unknown): Item[] {
  const raw = record(value)
  const type = TYPES[string(raw['type'])]
  const by = string(raw['by'] ?? raw['answered_by'] ?? raw['filled_by'])
  if (!type || (by !== '' && by !== 'patient')) return []
  return [{
    id: string(raw['link_id'] ?? raw['id']),
    text: text(raw['text'] ?? raw),
    hint: raw['hint'] === undefined || raw['hint'] === null ? null : text(raw['hint']),
    note: raw['note'] === undefined || raw['note'] === null ? null : text(raw['note']),
    type,
    required: raw['required'] === true,
    options: list(raw['options']).map(readOption),
    unit: string(raw['unit']),
    min: number(raw['min']),
    max: number(raw['max']),
    maxLength: number(raw['max_length']) ?? 500,
    partOf: string(raw['part_of']),
    format: string(raw['format']),
    when: raw['when'] === undefined || raw['when'] === null ? null : readCondition(raw['when']),
    redFlag: raw['red_flag'] === true,
    pledge: raw['pledge'] === true,
  }]
}

function readOption(value: unknown): Option {
  const raw = record(value)
  const code = string(raw['code'] ?? raw['value'] ?? raw['id'])
  return { value: code, text: text(raw['text'] ?? raw), exclusive: raw['exclusive'] === true || code === 'none' }
}

const OPS: readonly Op[] = ['eq', 'ne', 'in', 'has', 'lt', 'le', 'gt', 'ge', 'answered']

function readCondition(value: unknown): Condition {
  const raw = record(value)
  if (Array.isArray(raw['all'])) return { all: raw['all'].map(readCondition) }
  if (Array.isArray(raw['any'])) return { any: raw['any'].map(readCondition) }
  if (raw['not'] !== undefined) return { not: readCondition(raw['not']) }
  const item = string(raw['item'] ?? raw['question'] ?? raw['link_id'] ?? raw['fact'])
  const named = OPS.find((op) => op in raw)
  if (named) return { item, op: named, value: raw[named] }
  const op = OPS.find((one) => one === raw['op'])
  return { item, op: op ?? 'eq', value: raw['value'] ?? raw['is'] ?? true }
}

function record(value: unknown): Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {}
}
function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
function string(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}
function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}
function text(value: unknown): Text {
  if (typeof value === 'string') return { zh: value, en: value }
  const raw = record(value)
  const zh = string(raw['zh'])
  return { zh, en: string(raw['en']) || zh }
}
