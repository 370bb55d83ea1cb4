import { describe, expect, it } from 'vitest'
import type { ConsentText, DeclarationView, TicketView } from '@/protocol/types'
import { NOTHING_KNOWN, openConsents, stageOf, stepOf, type Known } from './flow'

const text = (kind: ConsentText['kind'], required = true): ConsentText => ({
  kind, required, version: '1', title: { zh: '', en: '' }, paragraphs: [],
})
const know = (more: Partial<Known>): Known => ({ ...NOTHING_KNOWN, started: true, ...more })
const result = { result: { level: 'STANDARD' } } as unknown as DeclarationView
const ticket = (phase: TicketView['phase'], more: Partial<TicketView> = {}) => ({ phase, visit: null, ...more }) as TicketView

describe('the way of a patient', () => {
  it('asks for red flags before anything about the person', () => {
    expect(stepOf(know({}))).toBe('red_flags')
    expect(stepOf(know({ redFlagsClear: true }))).toBe('phone')
  })

  it('goes through identity, consents and declaration in this order', () => {
    const base = { redFlagsClear: true, signedIn: true, texts: [text('treatment')] }
    expect(stepOf(know(base))).toBe('identity')
    const patient = { id: 'p' } as Known['patient']
    expect(stepOf(know({ ...base, patient }))).toBe('consents')
    const decisions = [{ kind: 'treatment', version: '1', granted: true, at: 1 } as const]
    expect(stepOf(know({ ...base, patient, decisions }))).toBe('declaration')
    expect(stepOf(know({ ...base, patient, decisions, declaration: result }))).toBe('result')
    expect(stepOf(know({ ...base, patient, decisions, declaration: result, resultRead: true }))).toBe('check')
  })

  it('asks a guardian for a child before any other consent, until something was handed in', () => {
    const child = { id: 'p', needs_guardian: true } as Known['patient']
    const base = { redFlagsClear: true, signedIn: true, texts: [text('treatment')], patient: child }
    expect(stepOf(know(base))).toBe('guardian')
    expect(stageOf('guardian')).toBe(stageOf('consents'))
    const decisions = [{ kind: 'treatment', version: '1', granted: true, at: 1 } as const]
    expect(stepOf(know({ ...base, decisions }))).toBe('guardian')
    expect(stepOf(know({ ...base, decisions, declaration: result }))).toBe('result')
  })

  it('lets a live ticket outrank the start page, so that a reload finds the place again', () => {
    expect(stepOf({ ...NOTHING_KNOWN, signedIn: true, ticket: ticket('waiting') })).toBe('waiting')
    expect(stepOf({ ...NOTHING_KNOWN, signedIn: true, ticket: ticket('called') })).toBe('called')
    expect(stepOf({ ...NOTHING_KNOWN, signedIn: true, ticket: ticket('suspended', { visit: 'v' }) })).toBe('call')
  })

  it('gives the screen to an alarm whatever else is known', () => {
    expect(stepOf(know({ alarm: 'a', signedIn: true, ticket: ticket('waiting') }))).toBe('emergency')
  })

  it('goes on when the recording is refused, and stops when the treatment is', () => {
    const texts = [text('treatment'), text('process_record', false)]
    const no = (kind: ConsentText['kind']) => ({ kind, version: '1', granted: false, at: 2 })
    const yes = { kind: 'treatment' as const, version: '1', granted: true, at: 1 }
    expect(openConsents(texts, [yes, no('process_record')])).toEqual([])
    expect(openConsents(texts, [yes, no('treatment'), no('process_record')]).map((t) => t.kind)).toEqual(['treatment'])
  })

  it('asks again when the text of a consent changed', () => {
    const decision = { kind: 'treatment' as const, version: '0', granted: true, at: 1 }
    expect(openConsents([text('treatment')], [decision])).toHaveLength(1)
  })

  it('puts every waiting screen on the fourth segment', () => {
    expect(stageOf('called')).toBe(3)
    expect(stageOf('landing')).toBe(-1)
  })
})
