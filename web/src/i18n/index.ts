import { shallowRef } from 'vue'
import { zh } from './zh'

/** A sentence, or one form of it for each plural category of the language. The counted number is `{n}`. */
export type Message = string | Readonly<Partial<Record<Intl.LDMLPluralRule, string>>>
/** Every sentence that the client can say. Chinese is the source: a key exists when it exists in `zh/`. */
export type Key = keyof typeof zh
export type Locale = 'zh-CN' | 'en'
export type Catalogue = Readonly<Record<Key, Message>>
export type Args = Readonly<Record<string, string | number>>

export const locale = shallowRef<Locale>('zh-CN')
const catalogue = shallowRef<Catalogue>(zh)

/** Changes the language of the page. English is fetched when it is first wanted. */
export async function setLocale(next: Locale): Promise<void> {
  catalogue.value = next === 'en' ? (await import('./en')).en : zh
  locale.value = next
  document.documentElement.lang = next
}

/** Says the sentence `key` in the present language, with `{name}` replaced from `args`; numbers by local custom. */
export function t(key: Key, args: Args = {}): string {
  return say(catalogue.value[key], locale.value, args)
}

export function say(message: Message, language: Locale, args: Args): string {
  const text =
    typeof message === 'string'
      ? message
      : (message[new Intl.PluralRules(language).select(Number(args['n'] ?? 0))] ?? message.other ?? '')
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = args[name]
    return typeof value === 'number' ? new Intl.NumberFormat(language).format(value) : (value ?? '')
  })
}

/** Narrows a computed key, such as `errors.` + a code of the server, to one that exists. */
export function isKey(key: string): key is Key {
  return Object.hasOwn(zh, key)
}

/** Texts that come from the server in both languages: questions, reasons, advice. */
export interface Bilingual {
  zh: string
  en: string
}

export function pick(text: Bilingual): string {
  return locale.value === 'en' ? text.en || text.zh : text.zh
}

/** 10:32, in the reader's language; `zone` where two zones meet. */
export function clockTime(at: number, zone?: string): string {
  const options: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
  return new Intl.DateTimeFormat(locale.value, zone ? { ...options, timeZone: zone, timeZoneName: 'short' } : options).format(at)
}

/** 10:32:07. */
export function exactTime(at: number): string {
  return new Intl.DateTimeFormat(locale.value, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(at)
}

export function dayAndTime(at: number): string {
  return new Intl.DateTimeFormat(locale.value, {
    year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
  }).format(at)
}
