import { dayAndTime, pick, t } from '@/i18n'
import type { ReadView } from '@/protocol/record'

export interface ReaderWords {
  who: string
  when: string
  why: string
  /** Somebody who had nothing to do with the visit: the hospital looks into it. */
  isOdd: boolean
}

/** Who read a record, for its patient: names, and reasons in words that nobody needs to have studied. */
export function readersWords(reads: readonly ReadView[]): ReaderWords[] {
  return reads.map((one) => ({
    who: one.is_own ? t('readers.you') : `${pick(one.name)} ${pick(one.title)}`.trim(),
    when: dayAndTime(one.at),
    why: one.is_own ? t('readers.why.own') : t(`readers.why.${one.purpose ?? 'other'}`),
    isOdd: one.purpose === 'break_glass',
  }))
}
