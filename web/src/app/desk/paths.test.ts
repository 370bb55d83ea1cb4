import { describe, expect, it } from 'vitest'
import type { ExamForm } from '@/protocol/record'
import { EMPTY_NOTE } from './note'
import { pathOf, placeName, tabOf } from './paths'

describe('a refused field', () => {
  it('of every part of a note has a tab where it stands, and a name', () => {
    const parts = [...Object.keys(EMPTY_NOTE), 'exams', 'diagnoses', 'principle']
    const tabs = Object.fromEntries(parts.map((name) => [name, tabOf(`content.${name}.x`)]))
    expect(tabs).toEqual({
      complaint: 'history', history: 'history', background: 'history',
      vitals: 'exam', examination: 'exam', exams: 'exam',
      diagnosis: 'diagnosis', advice: 'diagnosis', diagnoses: 'diagnosis', principle: 'diagnosis',
    })
    for (const name of ['complaint', 'history', 'background', 'examination', 'diagnosis', 'advice', 'diagnoses', 'principle']) expect(placeName([name], null)).toMatch(/\p{Script=Han}/u)
    expect(placeName(pathOf('content.vitals.temperature'), null)).toContain('体温')
    const form = { fields: [{ id: 'ask.sweat', label: { zh: '汗', en: 'sweat' }, choices: [] }] } as unknown as ExamForm
    expect(placeName(pathOf('content.exams.findings.ask.sweat.words'), form)).toBe('汗（文字补充）')
    expect(placeName(pathOf('content.exams.findings.ask.sweat'), form)).toBe('汗')
  })
})
