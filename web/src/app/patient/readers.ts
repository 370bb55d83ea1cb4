import { clockTime, dayAndTime, pick, t } from '@/i18n'
import type { ReadView } from '@/protocol/record'

export interface ReaderWords {
  who: string
  when: string
  why: string
  /** Somebody who had nothing to do with the visit: the hospital looks into it. */
  isOdd: boolean
}

/** Reads of one person for one reason with less than this between two of them are told as one stay at the record. */
const TOGETHER_MS = 60 * 60_000

/** Who read a record, for its patient, newest first: names, and reasons in words that nobody needs to have studied. */
export function readersWords(reads: readonly ReadView[]): ReaderWords[] {
  const stays: { read: ReadView; key: string; first: number; last: number; times: number }[] = []
  for (const read of [...reads].sort((a, b) => a.at - b.at)) {
    const key = JSON.stringify([read.is_own, read.name, read.title, read.purpose])
    const before = stays.filter((one) => one.key === key && read.at - one.last < TOGETHER_MS).at(-1)
    if (before) Object.assign(before, { last: read.at, times: before.times + 1 })
    else stays.push({ read, key, first: read.at, last: read.at, times: 1 })
  }
  return stays.reverse().map(({ read, first, last, times }) => ({
    who: read.is_own ? t('readers.you') : `${pick(read.name)} ${pick(read.title)}`.trim(),
    when: times === 1 ? dayAndTime(first) : t('readers.times', { from: dayAndTime(first), to: clockTime(last), n: times }),
    why: read.is_own ? t('readers.why.own') : t(`readers.why.${read.purpose ?? 'other'}`),
    isOdd: read.purpose === 'break_glass' || read.purpose === 'dispute',
  }))
}
