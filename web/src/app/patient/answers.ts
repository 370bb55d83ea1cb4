import { isKey, locale, pick, t } from '@/i18n'
import type { Item } from '@/protocol/questionnaire'

export function unitWords(item: Item): string {
  const key = `unit.${item.unit}`
  return isKey(key) ? t(key) : item.unit
}

/** An answer as it is read again: words, and numbers with their unit. */
export function answerWords(item: Item, value: unknown): string {
  if (typeof value === 'boolean') return t(value ? 'common.yes' : 'common.no')
  const word = (one: unknown): string => {
    const option = item.options.find((each) => each.value === one)
    return option ? pick(option.text) : String(one)
  }
  if (Array.isArray(value)) return new Intl.ListFormat(locale.value, { type: 'unit' }).format(value.map(word))
  return item.unit ? `${word(value)} ${unitWords(item)}` : word(value)
}
