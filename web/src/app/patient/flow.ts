import type { ConsentRecord, ConsentText, DeclarationView, DeviceCheck, Landing, PatientCard, TicketView } from '@/protocol/types'

/** One screen each. The order of the first eleven is the order of the way. */
export type Step =
  | 'landing' | 'red_flags' | 'emergency' | 'phone' | 'identity' | 'guardian' | 'consents' | 'declaration' | 'result' | 'check'
  | 'waiting' | 'called' | 'accepted' | 'call' | 'after' | 'no_show' | 'left' | 'transferred'

/** Everything that is known about one person's way through one link. The step follows from it and from nothing else. */
export interface Known {
  landing: Landing | null
  /** The start button was pressed on this page. */
  started: boolean
  /** “I already have a number” was pressed: the telephone first, then see. */
  returning: boolean
  /** All eight questions were answered no, less than half an hour ago. */
  redFlagsClear: boolean
  /** An alarm was raised by the first page or by triage: the 120 page has the screen. */
  alarm: string | null
  signedIn: boolean
  patient: PatientCard | null
  texts: readonly ConsentText[]
  decisions: readonly ConsentRecord[]
  /** The consents are on the screen: it is left by its button, not by the last decision. */
  deciding: boolean
  declaration: DeclarationView | null
  /** The result was read and “go on” pressed. */
  resultRead: boolean
  check: DeviceCheck | null
  ticket: TicketView | null
}

export const NOTHING_KNOWN: Known = {
  landing: null, started: false, returning: false, redFlagsClear: false, alarm: null, signedIn: false, patient: null, texts: [],
  decisions: [], deciding: false, declaration: null, resultRead: false, check: null, ticket: null,
}

/** The screen that belongs to what is known. A live ticket outranks everything but an alarm: nobody loses a place. */
export function stepOf(known: Known): Step {
  if (known.alarm !== null) return 'emergency'
  if (known.signedIn && known.ticket) return stepOfTicket(known.ticket)
  if (!known.signedIn && known.returning) return 'phone'
  if (!known.started) return 'landing'
  if (!known.redFlagsClear && !known.declaration?.result) return 'red_flags'
  if (!known.signedIn) return 'phone'
  if (!known.patient) return 'identity'
  if (known.patient.needs_guardian && !known.declaration?.result) return 'guardian'
  if (known.deciding || openConsents(known.texts, known.decisions).length > 0) return 'consents'
  if (!known.declaration?.result) return 'declaration'
  return known.resultRead ? 'check' : 'result'
}

export function stepOfTicket(ticket: TicketView): Step {
  switch (ticket.phase) {
    case 'waiting':
      return 'waiting'
    case 'called':
      return 'called'
    case 'accepted':
      return ticket.visit ? 'call' : 'accepted'
    case 'serving':
    case 'suspended':
      return 'call'
    case 'emergency':
      return 'emergency'
    case 'done':
      return 'after'
    case 'no_show':
      return 'no_show'
    case 'left':
      return 'left'
    case 'transferred':
      return 'transferred'
    default:
      return ticket.phase satisfies never
  }
}

/** The texts that still need a decision in their present version, or whose needed yes is a no. */
export function openConsents(texts: readonly ConsentText[], decisions: readonly ConsentRecord[]): ConsentText[] {
  return texts.filter((text) => {
    const decision = latest(decisions, text)
    return decision === undefined || (text.required && !decision.granted)
  })
}

export function latest(decisions: readonly ConsentRecord[], text: ConsentText): ConsentRecord | undefined {
  return decisions
    .filter((d) => d.kind === text.kind && d.version === text.version)
    .reduce<ConsentRecord | undefined>((newest, d) => (newest === undefined || d.at >= newest.at ? d : newest), undefined)
}

/** The last decision on a matter, in whatever words it was asked. */
export function newest(decisions: readonly ConsentRecord[], kind: ConsentText['kind']): ConsentRecord | undefined {
  return decisions.filter((one) => one.kind === kind).reduce<ConsentRecord | undefined>((last, one) => (last === undefined || one.at >= last.at ? one : last), undefined)
}

/** The five segments of the thin line on top, and which of them a screen belongs to; -1: no line. */
export const STAGES = ['identity', 'declaration', 'check', 'waiting', 'call'] as const
export function stageOf(step: Step): number {
  switch (step) {
    case 'phone':
    case 'identity':
    case 'guardian':
    case 'consents':
      return 0
    case 'declaration':
    case 'result':
      return 1
    case 'check':
      return 2
    case 'waiting':
    case 'called':
      return 3
    case 'accepted':
    case 'call':
      return 4
    default:
      return -1
  }
}
