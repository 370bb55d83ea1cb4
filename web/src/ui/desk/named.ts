import { t } from '@/i18n'
import type { NamedOtherwise } from '@/protocol/staff'

/** Somebody who was named with the same document, in one line: the name alone may be the same. */
export function namedWords(one: NamedOtherwise): string {
  return `${one.name} ${t(`sex.brief.${one.sex}`)} ${one.birth_date}`
}
