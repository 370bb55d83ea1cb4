// The four examinations, diagnoses, terms, versions and reads of a record, as the protocol says them.

import type { NoteContent, Sex, Text } from './types'

export interface FourExams {
  beside?: boolean
  findings?: Record<string, Finding>
  tongue?: Tongue
  pulse?: Pulse
  women?: Women
}
export interface Finding {
  terms?: string[]
  words?: string
}
export interface Tongue {
  body?: string[]
  coating?: string[]
  sublingual?: string
  words?: string
  light?: 'daylight' | 'lamp' | 'poor'
  colour_card?: 'passed' | 'failed' | 'absent'
  stained_within_2h?: boolean
}
export type Pulse =
  | { state: 'not_taken'; why: 'remote' | 'declined' }
  | { state: 'taken'; by: 'practitioner' | 'device'; left?: Wrist; right?: Wrist; rate?: number; words?: string }
export interface Wrist {
  cun?: string[]
  guan?: string[]
  chi?: string[]
}
export interface Women {
  pregnancy?: 'no' | 'pregnant' | 'postpartum' | 'lactating' | 'unsure'
  weeks?: number
  last_period?: string
  words?: string
}
export type DiagnosisKind = 'disease' | 'pattern' | 'western'
export interface Diagnosis {
  kind: DiagnosisKind
  code: string
  zh: string
  en: string
  tm1?: string[]
  provisional?: boolean
}
export interface Inserted {
  template: string
  name: string
  field: TemplateField
  text: string
  by: string
  at: number
}
export type TemplateField = 'complaint' | 'history' | 'background' | 'examination' | 'diagnosis' | 'advice'

/** One part of a record as it reads. */
export interface Section {
  id: string
  title: Text
  text: Text
}
export interface NoteChange {
  path: string[]
  was?: unknown
  is?: unknown
  lines?: { state: 'same' | 'gone' | 'new'; text: string }[]
}
/** An amendment of an archived record, without a word of it. */
export interface AmendmentLine {
  id: string
  visit: string
  number: number
  state: 'asked' | 'approved' | 'declined'
  patient_masked: string
  asked_by: Text
  asked_at: number
  decided_by: Text | null
  decided_at: number | null
  decision_reason: string | null
}
export interface Amendment {
  line: AmendmentLine
  reason: string
  changes: NoteChange[]
  hash: string
}
export interface FieldConflict {
  path: string[]
  base: unknown
  mine: unknown
  theirs: unknown
}
export interface MergedNote {
  version: number
  content: NoteContent
  conflicts: FieldConflict[]
  theirs: NoteContent
  saved_by: Text
  saved_at: number | null
}
export interface NoteVersion {
  version: number
  saved_by: Text
  saved_at: number
}
export interface NoteVersionView extends NoteVersion {
  content: NoteContent
  changes: NoteChange[]
}
export interface ReadView {
  /** The last of the reads of this reader for this purpose. */
  at: number
  /** The first, and how many they are; a server of the version before tells each read. */
  since?: number
  times?: number
  name: Text
  title: Text
  is_own: boolean
  purpose:
    | 'treating' | 'own_work' | 'consultation' | 'continuity' | 'break_glass' | 'dispute'
    | 'treatment' | 'nurse_call' | 'review' | 'countersign' | 'finding' | 'reporting' | 'safety' | null
}

export interface AccessReview {
  id: string
  visit: string
  no: number
  reader: Text
  reason: string
  at: number
  /** Whoever asks read it: somebody else judges it. */
  is_own?: boolean
  judged: { by: Text; at: number; verdict: Verdict; words: string | null } | null
}
export type Verdict = 'justified' | 'not_justified'
/** A visit that was found for an emergency: enough to see that it is the right one. */
export interface FoundVisit {
  id: string
  no: number
  started_at: number
  clinic_name: Text
  doctor_name: Text
  name_masked: string
  age_years: number
  sex: Sex
  /** Whoever asks treated this patient, and breaks no glass. */
  is_treated: boolean
}

export interface TermView {
  code: string
  kind: string
  text: Text
  initials: string
  also: string[]
  tm1: string[]
  nearest: string | null
  temporary: boolean
  source: Text
  certainty: 'found' | 'derived' | 'recall' | 'judgement'
}
export interface TermsFound {
  edition: string
  status: 'draft' | 'signed'
  terms: TermView[]
}
export interface Choice {
  code: string
  text: Text
  initials: string[]
}
export interface ExamField {
  id: string
  exam: 'look' | 'listen' | 'ask' | 'touch'
  label: Text
  how: 'one' | 'many' | 'words'
  on_site: boolean
  choices: Choice[]
}
export interface ExamForm {
  edition: string
  status: 'draft' | 'signed'
  fields: ExamField[]
  tongue: Choice[]
  coating: Choice[]
  sublingual: Choice[]
  pulses: Choice[]
  principles: Choice[]
}
export interface Template {
  id: string
  name: string
  field: TemplateField
  body: string
  version: number
  is_own: boolean
}
