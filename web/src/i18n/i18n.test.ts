import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { say } from '.'
import { en } from './en'
import { zh } from './zh'

const forms = (message: unknown): string[] => (typeof message === 'string' ? [message] : Object.values(message as Record<string, string>))
const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort()

describe('the two languages', () => {
  it('have a sentence for every code that the server can answer with', () => {
    const source = readFileSync('../src/protocol/error.rs', 'utf8')
    const codes = [...source.matchAll(/= "([a-z_.]+)", \d{3};/g)].map((match) => match[1] ?? '')
    expect(codes.length).toBeGreaterThan(40)
    expect(codes.filter((code) => !(`errors.${code}` in zh) || !(`errors.${code}` in en))).toEqual([])
  })

  it('name the same places in every form of a sentence', () => {
    const different = Object.entries(zh).filter(([key, message]) => {
      const wanted = new Set(forms(message).flatMap(holes))
      const got = new Set(forms(en[key as keyof typeof en]).flatMap(holes))
      return [...got].some((hole) => !wanted.has(hole)) || [...wanted].some((hole) => !got.has(hole))
    })
    expect(different.map(([key]) => key)).toEqual([])
  })

  it('say each sentence in one place: of two the later would be said for both', () => {
    const all = import.meta.glob<Record<string, Record<string, unknown>>>(['./zh/*.ts', './en/*.ts', '!**/index.ts'], { eager: true })
    for (const language of ['./zh/', './en/']) {
      const parts = Object.entries(all).filter(([path]) => path.startsWith(language))
      const keys = parts.flatMap(([, part]) => Object.values(part).flatMap((sentences) => Object.keys(sentences)))
      expect(keys.length, language).toBe(Object.keys(zh).length)
    }
  })

  it('write Chinese with Chinese marks', () => {
    const HAN = '[\\u4e00-\\u9fff]'
    const half = new RegExp(`${HAN}[,;:?!()]|[,;:?!()]${HAN}`)
    const wrong = Object.entries(zh).filter(([, message]) => forms(message).some((text) => half.test(text)))
    expect(wrong.map(([key]) => key)).toEqual([])
  })

  it('say one and many as the language does', () => {
    const ahead = en['wait.ahead']
    expect(say(ahead, 'en', { n: 1 })).toBe('1 person before you')
    expect(say(ahead, 'en', { n: 3 })).toBe('3 people before you')
    expect(say(zh['wait.ahead'], 'zh-CN', { n: 1 })).toBe('前面还有 1 人')
  })
})
