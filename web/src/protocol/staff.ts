// What staff see over REST: queue, desk, visit, alarms, and the conversation of both sides. Names as in the OpenAPI document.

import type { InvitedRole } from './live'
import type { Prescription } from './prescriptions'
import type { Amendment } from './record'
import type { Change, ConsentRecord, DeviceCheck, DocumentKind, Level, MoveReason, NoteContent, Outcome, Relation, Role, Sex, SignedNote, Text, TicketPhase, TriageView } from './types'

export interface DeskInfo {
  id: string
  name: Text
  state: DeskPhase
  doctor: Text | null
  last_call_at: number | null
}
export interface ClinicInfo {
  id: string
  code: string
  name: Text
  open: boolean
  desks: DeskInfo[]
}
export interface TicketRow {
  id: string
  clinic: string
  no: number
  phase: TicketPhase
  version: number
  level: Level
  matched: string[]
  reasons: Text[]
  ruleset?: { version: string; status: string }
  decided_by?: Text
  decided_why?: string
  patient: string
  name_masked: string
  age_years: number
  sex: Sex
  arrived_at: number
  retriage_due: number | null
  nurse_call: boolean
  missed: number
  online: boolean
  desk: string | null
  desk_name: Text | null
  moved: MoveReason | null
  check: DeviceCheck | null
  booked?: BookedPlace
  /** The live numbers of this clinic that were drawn with the same document. */
  same_document?: number[]
  /** A server of the version before sends neither. */
  stated?: Stated
  speech?: Speech
}
/** What a patient measured and said, as figures; what was not said is absent. */
export interface Stated {
  temperature?: number
  fever_days?: number
  spo2?: number
  breaths?: number
  pulse?: number
}
export type SpeechNeed = 'interpreter' | 'sign' | 'dialect' | 'family'
/** How to speak with a patient. */
export interface Speech {
  language?: 'zh-CN' | 'en'
  needs?: SpeechNeed[]
}
/** A ticket's appointment: its hour, and whose it is. */
export interface BookedPlace {
  starts_at: number
  zone: string
  doctor: string
  doctor_name: Text
  /** Until then nobody else calls it, unless it is URGENT. */
  waits_until: number | null
}
export type AlarmKind = 'red_flag' | 'triage' | 'worsened' | 'nurse_call'
export interface AlarmView {
  id: string
  clinic: string
  kind: AlarmKind
  reasons: Text[]
  ticket: string | null
  raised_at: number
  taken_by: Text | null
  mine: boolean
  taken_at: number | null
  closed_at: number | null
  online: boolean
  behind: number
  /** How many more ring in the hospital than the list holds; a server of the version before sends none. */
  unlisted?: number
  contact: { name: string; phone: string; address: string | null } | null
}
export type AlarmOutcome = 'handed_to120' | 'sent_offline' | 'false_alarm' | 'not_reached'
export interface Board {
  clinic: string
  clinic_name: Text
  tickets: TicketRow[]
  alarms: AlarmView[]
  desks: DeskInfo[]
  done_today: number
  seq: number
  as_of: number
}

export type DeskPhase = 'closed' | 'open' | 'paused' | 'closing' | 'lost'
export interface UnfinishedNote {
  visit: string
  no: number
  name_masked: string
  ended_at: number | null
  /** A pharmacist sent a prescription back. */
  sent_back: boolean
}
/** A film of one participant of a visit, or a part of it. */
export interface Recording {
  id: string
  visit: string
  no: number
  name_masked: string
  role: string
  part: number
  started_at: number
  millis: number
  gaps: number
  is_cut: boolean
  is_withdrawn: boolean
  /** Pictures are missing: the camera spoke a codec that is not recorded. */
  is_unpictured: boolean
  /** 0 where nothing could be kept. */
  size: number
  retain_until: number
}
export interface DeskView {
  id: string
  name: Text
  clinic: string
  clinic_name: Text
  phase: DeskPhase
  paused_until: number | null
  current: CurrentPatient | null
  unfinished: UnfinishedNote[]
  /** Whether the clinic records the visits of those who agree. */
  records: boolean
  version: number
  as_of: number
}
export interface IdentityPanel {
  patient: string
  name: string
  document: DocumentKind
  document_tail: string
  phone_tail: string
  age_years: number
  sex: Sex
  birth_date: string
  relation: Relation
}
export interface PreviousVisit {
  visit: string
  at: number
  clinic_name: Text
  diagnosis: string | null
  /** As whom the patient was named then, where that is not as today. */
  named?: NamedOtherwise
}
/** Somebody else's word for the holder of the same document. */
export interface NamedOtherwise {
  name: string
  birth_date: string
  sex: Sex
}
export interface CurrentPatient {
  ticket: string
  no: number
  version: number
  phase: TicketPhase
  ring_until: number | null
  call_count: number
  online: boolean
  identity: IdentityPanel
  triage: TriageView
  declaration: string
  questionnaire: string
  answers: Record<string, unknown>
  consents: ConsentRecord[]
  check: DeviceCheck | null
  previous: PreviousVisit[]
  /** Who else was named with this document and otherwise; a server of the version before sends none. */
  named_otherwise?: NamedOtherwise[]
  /** The numbers that others drew here with the same document. */
  same_document?: number[]
  visit: string | null
  offline_since: number | null
  handover: Handover | null
  /** What came of earlier alarms about this patient, newest first; a server of the version before sends none. */
  alarms?: ClosedAlarm[]
  stated?: Stated
  /** What was said again in the waiting room and moved a rule, the newest first; it stands over the declaration. */
  waited?: SaidWaiting[]
  speech?: Speech
}
/** One answer to the three questions of the waiting room. */
export interface SaidWaiting {
  at: number
  breathing: Change
  general: Change
  temperature?: number
}
export interface ClosedAlarm {
  id: string
  at: number
  outcome: AlarmOutcome
  by: Text
  note: string | null
}
/** A colleague's word with a transfer. */
export interface Handover {
  at: number
  clinic_name: Text
  doctor_name: Text
  reason: string
  visit: string | null
}
export interface NoteDraft {
  version: number
  saved_at: number | null
  content: NoteContent
}
/** A visit of this doctor that ended in the last days. */
export interface EndedVisit {
  visit: string
  no: number
  name_masked: string
  clinic_name: Text
  ended_at: number
  outcome: Outcome | null
  is_signed: boolean
  is_archived: boolean
}
export interface VisitView {
  id: string
  room: string
  no: number
  identity: IdentityPanel
  started_at: number
  ended_at: number | null
  outcome: Outcome | null
  /** Why the patient is sent on. */
  outcome_reason: string | null
  draft: NoteDraft
  signed: SignedNote[]
  /** From then on an amendment waits for somebody else's word. */
  is_archived: boolean
  /** One that waits, or that was declined last. */
  amendment: Amendment | null
  /** Where another doctor than its own reads it; absent where there are none. */
  prescriptions?: Prescription[]
  /** Why it is read; absent in answers to a command. */
  access?: string
}

export type ChatSide = 'patient' | 'staff' | 'guest'
export interface ChatMessage {
  id: string
  side: ChatSide
  /** Whether whoever reads it said it. A server before this field does not say. */
  mine?: boolean
  /** What a guest is in the call. */
  role?: InvitedRole
  from: Text
  text: string
  attachment?: string | null
  at: number
}
export interface AttachmentInfo {
  id: string
  mime: string
  size: number
}

export type Lack = 'licence' | 'registration' | 'practice' | 'years' | 'consent'
/** What is on paper of a doctor; days as `YYYY-MM-DD`. */
export interface CredentialView {
  registration: string | null
  practises_since: string | null
  consent_on: string | null
  licence_through: string | null
  lacks: Lack[]
  /** Whether what is missing keeps the doctor from the desk. */
  required: boolean
}
/** Somebody who works here, as administrators see them. */
export interface StaffView {
  id: string
  role: Role
  username: string
  name: Text
  title: Text
  credential?: CredentialView
  sessions: number
}
/** Where a member of staff is signed in. */
export interface SessionView {
  id: string
  current: boolean
  since: number
  acted_at: number
  browser: string | null
  /** When it gave way to newer ones. */
  ended: number | null
}
