import { dayAndTime, pick, t } from '@/i18n'
import type { ReadView } from '@/protocol/record'

export interface ReaderWords {
  who: string
  when: string
  why: string
  /** Somebody who had nothing to do with the visit: the hospital looks into it. */
  isOdd: boolean
}

/** Who read a record, for its patient, the last readers first: names, and reasons in words that nobody needs to have studied. */
export function readersWords(reads: readonly ReadView[]): ReaderWords[] {
  return [...reads].sort((a, b) => b.at - a.at).map((read) => ({
    who: read.is_own ? t('readers.you') : `${pick(read.name)} ${pick(read.title)}`.trim(),
    when: readWhen(read),
    why: read.is_own ? t('readers.why.own') : t(`readers.why.${read.purpose ?? 'other'}`),
    isOdd: read.purpose === 'break_glass' || read.purpose === 'dispute',
  }))
}

/** When somebody read; of several reads the first and the last, and how many they were. */
export function readWhen({ at, since = at, times = 1 }: ReadView): string {
  return times === 1 ? dayAndTime(at) : t('readers.times', { from: dayAndTime(since), to: dayAndTime(at), n: times })
}
