// Opinions that one doctor asks of another, as the protocol says them.

import type { Algorithm } from './proof'
import type { Text } from './types'

export type OpinionPhase = 'asked' | 'answered' | 'withdrawn'
/** A question without a word of what it says. */
export interface OpinionLine {
  id: string
  visit: string
  no: number
  patient_masked: string
  state: OpinionPhase
  asked_by: Text
  doctor: Text
  asked_at: number
  closed_at: number | null
}
export interface Opinion {
  line: OpinionLine
  version: number
  doctor_title: Text
  question: string
  summary: string
  /** For everybody but its writer empty until it is signed. */
  opinion: string
  advice: string
  saved_at: number | null
  hash: string | null
  signature: { algorithm: Algorithm; key: string; at: number } | null
}
export interface VisitOpinions {
  opinions: OpinionLine[]
  /** Whom one may ask. */
  doctors: { id: string; name: Text; title: Text }[]
}
export interface MyOpinions {
  of_me: OpinionLine[]
  by_me: OpinionLine[]
}
