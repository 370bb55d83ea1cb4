// The words of the record: the form of the examinations, once per window; codes, as they are typed.

import { shallowRef, type ShallowRef } from 'vue'
import type { Choice, ExamForm, TermsFound, TermView } from '@/protocol/record'
import type { Session } from '../session'

let asked: Promise<ExamForm> | null = null
const form = shallowRef<ExamForm | null>(null)

/** The fields of the examinations with what can be chosen; `null` until they are here. */
export function useExamForm(session: Session): ShallowRef<ExamForm | null> {
  asked ??= session.http.get<ExamForm>('/terms/form').then(
    (found) => (form.value = found),
    (cause: unknown) => {
      // The next tab that opens asks again.
      asked = null
      throw cause
    },
  )
  asked.catch(() => undefined)
  return form
}

/** Terms of one kind by code, initials, Chinese or English. */
export async function findTerms(session: Session, kind: string, typed: string): Promise<TermView[]> {
  const query = new URLSearchParams({ kind, q: typed.slice(0, 64), limit: '12' })
  return (await session.http.get<TermsFound>(`/terms?${query.toString()}`)).terms
}

/** The choices that fit what was typed, the best first: initials, then Chinese, then English words. */
export function match(choices: readonly Choice[], typed: string, limit = 12): Choice[] {
  const word = typed.trim().toLowerCase()
  if (word === '') return choices.slice(0, limit)
  const rank = (choice: Choice): number => {
    if (choice.text.zh === word || choice.initials.includes(word)) return 0
    if (choice.initials.some((one) => one.startsWith(word))) return 1
    if (choice.text.zh.includes(word)) return 2
    // 舌红 and 红舌 are one finding.
    if (/^\p{Script=Han}{2,}$/u.test(word) && [...word].every((letter) => choice.text.zh.includes(letter))) return 3
    const words = choice.text.en.toLowerCase().split(/[^a-z0-9]+/)
    const parts = word.split(/[^a-z0-9]+/).filter((part) => part !== '')
    return parts.length > 0 && parts.every((part) => words.some((one) => one.startsWith(part))) ? 4 : 9
  }
  return choices
    .map((choice, place) => ({ choice, place, rank: rank(choice) }))
    .filter((one) => one.rank < 9)
    .sort((a, b) => a.rank - b.rank || a.place - b.place)
    .slice(0, limit)
    .map((one) => one.choice)
}
