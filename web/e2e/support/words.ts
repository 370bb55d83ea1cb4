import { en } from '../../src/i18n/en'
import { zh } from '../../src/i18n/zh'

type Key = keyof typeof zh
type Message = string | Partial<Record<string, string>>
export type Words = (key: Key, values?: Record<string, string | number>) => string

/** Looks the sentences of a language up as the client does, so that a journey breaks when a screen loses its words, not when they change. */
export function wordsOf(language: 'zh' | 'en'): Words {
  const catalogue: Record<Key, Message> = language === 'zh' ? zh : en
  return (key, values = {}) => {
    const message = catalogue[key]
    const text = typeof message === 'string' ? message : (message['other'] ?? '')
    return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
  }
}
