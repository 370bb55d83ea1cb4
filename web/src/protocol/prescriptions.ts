// Prescriptions as staff and patients see them over REST. Names as in the OpenAPI document.

import type { Sex, Text } from './types'

export type RxState = 'draft' | 'signed' | 'approved' | 'returned' | 'refused' | 'dispensed' | 'stopped' | 'expired'
export type HerbMethod = 'first' | 'late' | 'wrapped' | 'apart' | 'melted' | 'steeped' | 'drenched' | 'dissolved' | 'for_water'
export const METHODS: readonly HerbMethod[] = ['first', 'late', 'wrapped', 'apart', 'melted', 'steeped', 'drenched', 'dissolved', 'for_water']
export type HerbRole = 'chief' | 'deputy' | 'assistant' | 'guide'
export const ROLES: readonly HerbRole[] = ['chief', 'deputy', 'assistant', 'guide']
export type Timing = 'any' | 'before_meal' | 'after_meal' | 'empty_stomach' | 'bedtime'
export const TIMINGS: readonly Timing[] = ['any', 'before_meal', 'after_meal', 'empty_stomach', 'bedtime']
export type Severity = 'info' | 'warn' | 'block' | 'block_online'
export type Needs = 'nothing' | 'answer' | 'confirm' | 'second_doctor' | 'ask' | 'never'
export type Pregnancy = 'unknown' | 'no' | 'pregnant' | 'postpartum' | 'lactating'
export const PREGNANCIES: readonly Pregnancy[] = ['unknown', 'no', 'pregnant', 'postpartum', 'lactating']
export type VisitKind = 'consult' | 'return' | 'epidemic'
export const VISIT_KINDS: readonly VisitKind[] = ['consult', 'return', 'epidemic']
export type ClosedReason = 'consult' | 'proof_missing' | 'not_in_force' | 'switched_off' | 'guardian_missing' | 'paediatrician_missing'

export interface HerbLine {
  written: string
  herb?: string
  /** Milligrams in one dose. */
  mg: number
  method?: HerbMethod
  role?: HerbRole
  remark?: string
}
export interface Herbal {
  formula?: string
  lines: HerbLine[]
  doses: number
  doses_per_day: number
  times_per_day: number
  ml: number
  timing: Timing
  remark?: string
}
export interface Medicine {
  name: string
  kind: 'patent' | 'western'
  strength: string
  dose: string
  times_per_day: number
  days: number
  remark?: string
}
export interface Medicines {
  items: Medicine[]
}
/** One of the two: herbs and medicines never share a sheet. */
export interface RxContent {
  herbal?: Herbal
  medicines?: Medicines
}

export interface Finding {
  key: string
  rule: string
  lines: number[]
  severity: Severity
  needs: Needs
  fact: Text
  source: Text
  edition: string
}
export interface Report {
  findings: Finding[]
  passed: string[]
  data_version: string
  data_status: 'draft' | 'signed'
}
export interface LegalBasis {
  code: string
  name: Text
  scope: Text
  from: string
  to: string | null
}
export interface Label {
  steps: { text: Text; minutes?: number }[]
  taking: Text
}
export interface Ticked {
  kind: VisitKind
  proof_seen: boolean
  guardian_present: boolean
  paediatric: boolean
}
export interface RxPane {
  basis: LegalBasis | null
  closed: ClosedReason | null
  ticked: Ticked
  pregnancy: Pregnancy
  asks_pregnancy: boolean
  asks_guardian: boolean
  allergies: string
  drugs: string
}
export interface Prescription {
  id: string
  number: string
  visit: string
  state: RxState
  version: number
  content: RxContent
  report: Report
  answers: Record<string, string>
  hash: string | null
  basis: LegalBasis | null
  patient_masked: string
  doctor: Text
  start_day: string
  end_day: string
  saved_at: number
  signed_at: number | null
  expires_at: number | null
  /** Why it is good for longer than its day. */
  longer: { days: number; reason: string } | null
  needs_second: boolean
  second_doctor: Text | null
  /** Which second doctor did not sign, and gave it back. */
  declined_by: Text | null
  pharmacist: Text | null
  reviewed_at: number | null
  review: { verdict: 'approved' | 'returned' | 'refused' | 'declined'; items: string[]; reason: string } | null
  dispensed_at: number | null
  stop_reason: string | null
  label: Label | null
  /** Beside a record: whether a signed sheet is what was signed. */
  is_intact?: boolean
}
export interface VisitPrescriptions {
  pane: RxPane
  prescriptions: Prescription[]
}
export interface HerbFound {
  name: string
  latin: string
  english: string
  least_mg: number | null
  most_mg: number | null
  toxicity: 'slight' | 'toxic' | 'great' | null
  pregnancy: 'caution' | 'forbidden' | null
  method: HerbMethod | null
  refused_online: boolean
}
export interface HerbsFound {
  herbs: HerbFound[]
  asked: { why: Text; candidates: string[] } | null
  edition: string
  status: 'draft' | 'signed'
}
export interface Formula {
  code: string
  name: string
  pinyin: string
  initials: string
  en: string
  stage: string
  pattern: string
  protocol: string
  times_per_day: number
  doses: number
  timing: Timing
  ml?: number
  lines: { written: string; mg: number; mg_to?: number; method?: HerbMethod; certainty: 'found' | 'one_copy' | 'recall' }[]
}
/** A formula of the doctor's own: a sheet that says from what it is. */
export interface FormulaTemplate {
  id: string
  name: string
  herbal: Herbal
  version: number
}

export interface PharmacyItem {
  id: string
  number: string
  state: RxState
  version: number
  patient_masked: string
  doctor: Text
  signed_at: number | null
  due_at: number | null
  lines: number
  findings: number
  /** The most severe of them. */
  attention: Severity | null
  awaits_second: boolean
  claimed_by: Text | null
  is_mine: boolean
  claim_until: number | null
}
export interface PharmacyQueue {
  waiting: PharmacyItem[]
  approved: PharmacyItem[]
  promise_minutes: number
}
/** A waiting prescription whose doctor was warned, with what was said to each finding. */
export interface WarnedPrescription {
  id: string
  number: string
  version: number
  patient_masked: string
  doctor: Text
  due_at: number | null
  findings: { finding: Finding; reason: string | null }[]
}
/** What whoever judges a prescription knows of the patient. */
export interface ForWhom {
  age_years: number
  sex: Sex
  pregnancy: Pregnancy
  allergies: string
  drugs: string
  diagnosis: string
}
/** What a second doctor reads: by full name, for whoever signs, signs for somebody. */
export interface SecondSheet extends ForWhom {
  prescription: Prescription
  name: string
}
export interface ReviewSheet extends ForWhom {
  prescription: Prescription
  items: { item: string; name: Text }[]
  claim_until: number | null
  /** Whose bag it is, once it is approved. */
  recipient: Recipient | null
}
export interface Recipient {
  name: string
  document_tail: string
}
export interface MyPrescription {
  id: string
  number: string
  visit: string
  state: RxState
  says: Text
  patient_masked: string
  doctor: Text
  content: RxContent | null
  label: Label | null
  expires_at: number | null
}
