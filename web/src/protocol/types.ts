// What the server says over REST, by the names of its own documents. The source of every shape is the OpenAPI document.

import type { Algorithm } from './proof'
import type { Diagnosis, FourExams, Inserted, NoteChange, Section } from './record'

export interface Text {
  zh: string
  en: string
}
export type Level = 'ADVICE' | 'STANDARD' | 'URGENT' | 'EMERGENCY'
export type Role = 'doctor' | 'nurse' | 'pharmacist' | 'administrator'
export type Sex = 'female' | 'male'
export type Relation = 'myself' | 'parent' | 'child' | 'spouse' | 'guardian' | 'carer'
export type DocumentKind = 'resident_card' | 'passport' | 'hong_kong_macao_permit' | 'taiwan_permit' | 'permanent_residence'

export type Subject =
  | { kind: 'staff'; account: string; institution: string; role: Role; name_zh: string; name_en: string; title_zh: string; title_en: string }
  | { kind: 'holder'; holder: string; institution: string; phone_tail: string }
  | { kind: 'caller'; institution: string }
  | { kind: 'guest'; institution: string }
/** Whether signing in asks for a code, and whether the operator requires that. */
export interface SecondFactorView {
  on: boolean
  required: boolean
}
/** A secret for an authenticator, shown once. */
export interface NewSecondFactor {
  /** Base32. */
  secret: string
  link: string
  /** Rows of `#` (dark) and `.`. */
  qr: string[]
}
export interface Tokens {
  access_token: string
  /** Seconds. */
  expires_in: number
  refresh_token: string
  subject: Subject
}
export interface CodeSent {
  /** Named when the code is passed. */
  challenge: string
  expires_in: number
  resend_in: number
  demo_code?: string
}

export interface RedFlag {
  id: string
  question: Text
  /** The question of the declaration that a no answers as well; absent where a no leaves it open. */
  answers?: string
}
/** Where a patient complains. */
export interface Complaints {
  phone: string
  at: Text | null
}
export interface Landing {
  institution: string
  institution_name: Text
  clinic: string
  clinic_name: Text
  help_phone: string
  /** In fen; `null` where no fee is set. */
  price_fen: number | null
  complaints: Complaints
  open: boolean
  desks_open: number
  waiting: number
  demo: boolean
  red_flags: RedFlag[]
}
export interface RedFlagsAnswer {
  emergency: boolean
  line?: { alarm: string; tokens: Tokens }
}

export interface IdentityRequest {
  name: string
  document: DocumentKind
  number: string
  birth_date?: string | null
  sex?: Sex | null
  relation: Relation
}
export interface PatientCard {
  id: string
  name_masked: string
  document_tail: string
  age_years: number
  sex: Sex
  relation: Relation
  /** Under fourteen, and no guardian has consented. */
  needs_guardian: boolean
}
/** Who consents for a child. */
export type GuardianRelation = Extract<Relation, 'parent' | 'guardian'>
export type ConsentKind = 'treatment' | 'sensitive_data' | 'process_record'
export interface ConsentText {
  kind: ConsentKind
  version: string
  title: Text
  paragraphs: Text[]
  required: boolean
}
export interface ConsentRecord {
  kind: ConsentKind
  version: string
  granted: boolean
  at: number
}

export type Answers = Record<string, unknown>
export interface TriageView {
  level: Level
  disposition: string
  disposition_text: Text
  reasons: Text[]
  matched: string[]
  ruleset: { version: string; status: string }
  nurse_call: boolean
  decided_by?: Text
  decided_why?: string
  at: number
  alarm?: string
}
export interface DeclarationView {
  id: string
  patient: string
  questionnaire: string
  version: number
  answers: Answers
  missing: string[]
  saved_at: number
  result?: TriageView
}

export type NetworkVerdict = 'good' | 'fair' | 'poor' | 'none' | 'untested'
export interface DeviceCheck {
  camera: boolean
  microphone: boolean
  speaker: boolean
  network: NetworkVerdict
}
export type TicketPhase =
  | 'waiting' | 'called' | 'accepted' | 'serving' | 'suspended' | 'emergency' | 'done' | 'no_show' | 'left' | 'transferred'
export type MoveReason =
  | 'missed_call' | 'raised' | 'lowered' | 'desk_lost' | 'call_cancelled' | 'wrong_person' | 'doctor_lost' | 'aged' | 'transferred'
  | 'patient_lost' | 'not_reached'
export type WaitEstimate = { kind: 'unknown' } | { kind: 'range'; low_min: number; high_min: number }
/** What the clinic said to those who wait, or to this patient alone. */
export interface NoticeView {
  id: string
  at: number
  text: string
  personal: boolean
}
export interface DeskCall {
  desk: string
  desk_name: Text
  doctor_name: Text
  doctor_title: Text
  ring_until: number
  ring_secs: number
}
export interface TicketView {
  id: string
  clinic: string
  clinic_name: Text
  no: number
  phase: TicketPhase
  version: number
  level: Level
  reasons: Text[]
  patient: PatientCard
  arrived_at: number
  ahead: number | null
  estimate: WaitEstimate
  desks_open: number
  last_call_at: number | null
  call?: DeskCall | null
  visit?: string | null
  nurse_call?: string | null
  missed: number
  /** Calls that somebody else answered; a server of the version before sends none. */
  wrong_persons?: number
  void_after: number
  miss_shift: number
  moved?: MoveReason | null
  moved_to?: string | null
  retriage_due: number | null
  /** Newest first; a server of the version before has none. */
  notices?: NoticeView[]
  as_of: number
}
export type Change = 'better' | 'same' | 'worse' | 'much_worse'
export interface RetriageAnswers {
  breathing: Change
  temperature?: number | null
  general: Change
}
export interface RoomGrant {
  room: string
  /** The visit whose conversation is beside the call, for those who read and write it there. */
  visit?: string
  grant: string
  /** A moving test picture may stand in for a missing camera. */
  demo: boolean
  /** TURN servers for networks that block UDP, good for an hour. A server before this field sends none. */
  ice_servers?: { urls: string[]; username: string; credential: string }[]
}

export interface NoteContent {
  complaint: string
  history: string
  background: string
  vitals: Vitals
  examination: string
  diagnosis: string
  advice: string
  /** What is empty is left out. */
  exams?: FourExams
  diagnoses?: Diagnosis[]
  principle?: string[]
  /** The server's: which texts came from templates. */
  inserted?: Inserted[]
  /** The server's: the edition of the terms. */
  terms?: string
}
export interface Vitals {
  temperature: number | null
  heart_rate: number | null
  respiratory_rate: number | null
  oxygen_saturation: number | null
  systolic: number | null
  diastolic: number | null
}
export interface SignedNote {
  id: string
  number: number
  content: NoteContent
  hash: string
  signer: Text
  signed_at: number
  reason: string | null
  changes?: NoteChange[]
  sections?: Section[]
  signature?: { algorithm: Algorithm; key: string; at: number } | null
  /** On whose word it amended an archived record. */
  approved_by?: Text | null
}
export type Outcome = 'home_care' | 'go_to_hospital' | 'closed_loop_transport' | 'follow_up' | 'emergency120'
export interface VisitSummary {
  id: string
  no: number
  clinic_name: Text
  doctor_name: Text
  doctor_title: Text
  patient_masked: string
  started_at: number
  ended_at: number | null
  outcome: Outcome | null
  outcome_text: Text | null
  safety_net: Text[]
  /** A note was signed and cannot be shown: it is not what was signed any more. */
  is_broken?: boolean
  note: SignedNote | null
  /** The note in plain words. */
  plain?: Section[]
}
