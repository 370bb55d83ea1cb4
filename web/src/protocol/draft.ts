import type { Answers, CodeSent, DeviceCheck, TicketView } from './types'

/** Answers that the server does not have yet, kept on the device. A draft of another declaration is none. */
export function readDraft(text: string | null, declaration: string): Answers {
  if (text === null) return {}
  try {
    const value: unknown = JSON.parse(text)
    const draft = value as { id?: unknown; answers?: unknown } | null
    return draft?.id === declaration && typeof draft.answers === 'object' && draft.answers !== null ? (draft.answers as Answers) : {}
  } catch {
    return {}
  }
}

export function writeDraft(declaration: string, answers: Answers): string | null {
  return Object.keys(answers).length === 0 ? null : JSON.stringify({ id: declaration, answers })
}

/** A code that is on its way: whoever leaves the page to read the message finds the field for it again. */
export interface KeptCode {
  phone: string
  at: number
  sent: CodeSent
}

export function readCode(text: string | null, now: number): KeptCode | null {
  try {
    const kept = JSON.parse(text ?? 'null') as Partial<KeptCode> | null
    if (typeof kept?.phone !== 'string' || typeof kept.at !== 'number' || typeof kept.sent?.challenge !== 'string') return null
    return now < kept.at + kept.sent.expires_in * 1000 ? (kept as KeptCode) : null
  } catch {
    return null
  }
}

export function writeCode(kept: KeptCode): string {
  return JSON.stringify(kept)
}

/** What the check before the call found, kept so that the lamps survive a reload. */
export function readCheck(text: string | null): DeviceCheck | null {
  try {
    const value: unknown = text === null ? null : JSON.parse(text)
    return typeof value === 'object' && value !== null && 'network' in value ? (value as DeviceCheck) : null
  } catch {
    return null
  }
}

export function writeCheck(check: DeviceCheck): string {
  return JSON.stringify(check)
}

/** Of a ticket, what the sentence about the next change needs. */
export type SeenTicket = Pick<TicketView, 'id' | 'phase' | 'missed' | 'ahead' | 'level' | 'desks_open'>
/** A sentence that was told: its key in the catalogue, and what stands in it. */
export interface ToldChange {
  at: number
  key: string
  args: Record<string, string | number>
}
/** What a page knew of a ticket before it was reloaded, or thrown away while the telephone slept. */
export interface KeptWait {
  seen: SeenTicket
  told: readonly ToldChange[]
}

/** What was kept about this ticket; nothing when it was another's. */
export function readWait(text: string | null, ticket: string): KeptWait | null {
  try {
    const value: unknown = text === null ? null : JSON.parse(text)
    const kept = value as Partial<KeptWait> | null
    return kept?.seen?.id === ticket && Array.isArray(kept.told) ? (kept as KeptWait) : null
  } catch {
    return null
  }
}

export function writeWait(ticket: TicketView, told: readonly ToldChange[]): string {
  const { id, phase, missed, ahead, level, desks_open } = ticket
  return JSON.stringify({ seen: { id, phase, missed, ahead, level, desks_open }, told } satisfies KeptWait)
}

/** An answer to the red flags that nobody has yet, with the key that makes its repetition the same. */
export interface UnsentFlags {
  yes: string[]
  key: string
}

export function readFlags(text: string | null): UnsentFlags | null {
  try {
    const value: unknown = text === null ? null : JSON.parse(text)
    const flags = value as Partial<UnsentFlags> | null
    return Array.isArray(flags?.yes) && typeof flags.key === 'string' ? (flags as UnsentFlags) : null
  } catch {
    return null
  }
}

export function writeFlags(flags: UnsentFlags): string {
  return JSON.stringify(flags)
}
