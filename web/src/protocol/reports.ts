// What must be reported, as the protocol says it: case reports and adverse events.

import type { IdentityPanel } from './staff'
import type { Text } from './types'

export type CaseReportPhase = 'due' | 'reported' | 'dismissed' | 'withdrawn'
/** A report without a word of the case. */
export interface CaseReport {
  id: string
  visit: string
  no: number
  patient_masked: string
  clinic_name: Text
  cause: 'outcome' | 'hand'
  state: CaseReportPhase
  doctor_name: Text
  suspected_at: number
  /** Two hours later. */
  due_at: number
  /** How often it has rung, being overdue. */
  rang: number
  may_dismiss: boolean
  closed_by: Text | null
  closed_at: number | null
  receipt: string | null
}
/** The card that is copied into the national system. */
export interface CaseReportForm {
  line: CaseReport
  reason: string | null
  dismissal: string | null
  identity: IdentityPanel
  document_number: string
  phone: string
  address: string | null
  onset: string | null
  complaint: string
  diagnosis: Text
  triage: Text[]
  institution_name: Text
}

export const ADVERSE_KINDS = ['medicine', 'identity', 'device', 'delay', 'worsened', 'other'] as const
export type AdverseKind = (typeof ADVERSE_KINDS)[number]
/** An adverse event without its words. */
export interface AdverseEvent {
  id: string
  visit: string
  no: number
  patient_masked: string
  clinic_name: Text
  kind: AdverseKind
  is_serious: boolean
  happened_at: number
  reported_by: Text
  reported_at: number
  seen_by: Text | null
  seen_at: number | null
}
export interface AdverseEventView {
  line: AdverseEvent
  words: string
  measures: string
}
export interface AdverseEventRequest {
  kind: AdverseKind
  is_serious: boolean
  happened_at: number
  words: string
  measures: string
}
