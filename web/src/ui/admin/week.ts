// Days of the week as the server writes them: digits, 1 for Monday.

import { locale } from '@/i18n'

export const WEEK = '1234567'

/** The short name of a day, in the reader's language. */
export function weekday(digit: string): string {
  // 2026-03-02 was a Monday.
  return new Intl.DateTimeFormat(locale.value, { weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2026, 2, 1 + Number(digit)))
}

/** These days, in the order of the week. */
export const weekdays = (digits: string): string => [...digits].map(weekday).join(' ')
