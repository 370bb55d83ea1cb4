// Sealed days, orders that something stays, and certificates of what went. Names as in the OpenAPI document.

import type { Text } from './types'

/** How a key signs. */
export type Algorithm = 'ed25519' | 'sm2'
export const algorithmNames: Record<Algorithm, string> = { ed25519: 'Ed25519', sm2: 'SM2' }

export interface AuditDays {
  /** Of the public key that seals, for comparing it with that of an export. */
  fingerprint: string | null
  /** Every key that the server has signed with, oldest first. */
  keys: ServerKey[]
  days: AuditDay[]
}
export interface ServerKey {
  algorithm: Algorithm
  fingerprint: string
  since: number
  /** It signs no more since. */
  until: number | null
}
export interface AuditDay {
  day: string
  entries: number
  root: string
  sealed_at: number
}
export interface AuditVerdict {
  entries: number
  days: number
  /** The first place where the log is not what was written. */
  broken: string | null
  at: number
}
export interface Hold {
  id: string
  subject: string
  reason: string
  no: number | null
  visit_at: number | null
  placed_by: Text
  placed_at: number
  lifted_by: Text | null
  lifted_at: number | null
  lift_reason: string | null
}
export type RetentionClass =
  | 'outpatient_record' | 'process_record' | 'prescription_ordinary' | 'prescription_toxic' | 'prescription_controlled' | 'audit_log' | 'declaration'
  | 'teaching_recording'
export interface Certificate {
  id: string
  class: RetentionClass
  day: string
  count: number
  first_due: number
  last_due: number
  hashes_root: string
  hashes: string[]
  made_at: number
}
export interface ClassRule {
  class: RetentionClass
  keep: { years: number } | { days: number }
  then: 'archive' | 'delete' | 'delete_by_approval'
  source: string
}
/** An administrator's word that what was due of a class by then may go. */
export interface Approval {
  id: string
  class: RetentionClass
  due_until: number
  approved_by: Text
  approved_at: number
}
/** An administrator's word that the purpose of what was declared in a clinic by then has ended. */
export interface PurposeEnd {
  id: string
  clinic: string
  declared_until: number
  said_by: Text
  said_at: number
}
export interface Retention {
  rules: { edition: string; status: string; classes: ClassRule[] }
  holds: Hold[]
  certificates: Certificate[]
  approvals: Approval[]
  purposes: PurposeEnd[]
}
