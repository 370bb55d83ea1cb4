// What stands on a prescription, in words, for whoever has to choose between two of it.

import { t } from '@/i18n'
import type { HerbLine, Medicine, RxContent } from '@/protocol/prescriptions'
import { grams } from './rx'

/** Only what differs is listed; how much else there is, is said. */
export function sidesOf(mine: RxContent, theirs: RxContent): { mine: string; theirs: string } {
  const [here, there] = [linesOf(mine), linesOf(theirs)]
  const side = (own: readonly string[], other: readonly string[]): string => {
    const only = missing(own, other)
    const rest = own.length - only.length
    return [...only, ...(rest > 0 ? [t('rx.conflict.rest', { n: rest })] : []), ...(own.length === 0 ? [t('exam.nothing')] : [])].join('\n')
  }
  return { mine: side(here, there), theirs: side(there, here) }
}

/** Twice the same line is two lines. */
function missing(own: readonly string[], other: readonly string[]): string[] {
  const left = [...other]
  return own.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

function linesOf({ herbal, medicines }: RxContent): string[] {
  if (!herbal) return (medicines?.items ?? []).map(medicineWords)
  const usage = t('rx.usage', { day: herbal.doses_per_day, times: herbal.times_per_day, ml: herbal.ml, timing: t(`rx.timing.${herbal.timing}`), doses: herbal.doses })
  return [...(herbal.formula ? [t('rx.formula.marked', { name: herbal.formula })] : []), ...herbal.lines.map(herbWords), usage, ...(herbal.remark ? [herbal.remark] : [])]
}

function herbWords({ written, herb, mg, method, role, remark }: HerbLine): string {
  const name = herb && herb !== written ? `${written}${t('common.aside', { text: herb })}` : written
  const aside = [method && t(`rx.method.${method}`), role && t(`rx.role.${role}`), remark].filter(Boolean).join(' · ')
  return `${name} ${grams(mg)} g${aside ? t('common.aside', { text: aside }) : ''}`
}

function medicineWords({ name, strength, dose, times_per_day, days, remark }: Medicine): string {
  return [`${name} ${strength}`.trim(), t('rx.medicine.line', { dose, times: times_per_day, days }), ...(remark ? [remark] : [])].join(' · ')
}

/** What a field that holds what cannot be is called; without one, the line that was begun. */
export function faultyName(wrong: Readonly<Record<string, string>>, content: RxContent | null): string {
  const [field] = Object.keys(wrong)
  if (field === undefined) return t('rx.line.begun')
  const [, name = field, at] = /^(.+)-(\d+)$/.exec(field) ?? []
  const line = at === undefined ? '' : content?.herbal ? (content.herbal.lines[Number(at)]?.written ?? '') : (content?.medicines?.items[Number(at)]?.name ?? '')
  const word = {
    grams: () => t('rx.grams'), herb: () => t('rx.herb'), times: () => t('rx.times_per_day'), days: () => t('rx.medicine.days'), name: () => t('rx.medicine.name'),
    strength: () => t('rx.medicine.strength'), dose: () => t('rx.medicine.dose'), doses: () => t('rx.doses'), doses_per_day: () => t('rx.doses_per_day'), times_per_day: () => t('rx.times_per_day'), ml: () => t('rx.ml'),
  }[name]
  return [line, word?.() ?? name].filter(Boolean).join(' ')
}
