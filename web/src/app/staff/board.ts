// The queue of a clinic as the boards show it. Pure: a board and the time in, what is shown out.

import { isKey, pick, t } from '@/i18n'
import type { AlarmView, Board, Speech, Stated, TicketRow } from '@/protocol/staff'
import type { Level, Text } from '@/protocol/types'

export const LEVELS = ['EMERGENCY', 'URGENT', 'STANDARD', 'ADVICE'] as const satisfies readonly Level[]

/** From here on waiting is long, and very long: minutes. */
export const LONG_MIN = 15
export const VERY_LONG_MIN = 30

export type WaitTone = 'calm' | 'long' | 'very_long'

export function waitedMinutes(row: Pick<TicketRow, 'arrived_at'>, now: number): number {
  return Math.max(0, Math.floor((now - row.arrived_at) / 60_000))
}
export function waitTone(minutes: number): WaitTone {
  return minutes >= VERY_LONG_MIN ? 'very_long' : minutes >= LONG_MIN ? 'long' : 'calm'
}

export function isWaiting(row: TicketRow): boolean {
  return row.phase === 'waiting' || row.phase === 'emergency'
}
/** Called, accepted, served or kept for a doctor who lost the connection. */
export function isUnderWay(row: TicketRow): boolean {
  return ['called', 'accepted', 'serving', 'suspended'].includes(row.phase)
}

export interface Group {
  level: Level
  rows: readonly TicketRow[]
}
/** The waiting by level, in the order in which they will be called. Levels without anybody are left out. */
export function byLevel(board: Board, levels: readonly Level[] = LEVELS): Group[] {
  return levels.map((level) => ({ level, rows: board.tickets.filter((row) => isWaiting(row) && row.level === level) })).filter((group) => group.rows.length > 0)
}

export function waitingCount(board: Board): number {
  return board.tickets.filter((row) => row.phase === 'waiting').length
}

/** Minutes until the three questions are due; negative when overdue; `null` when they are not. */
export function recheckMinutes(row: TicketRow, now: number): number | null {
  return row.retriage_due === null ? null : Math.ceil((row.retriage_due - now) / 60_000)
}

/** What rings: open alarms that nobody took, oldest first. A nurse's own call to a patient does not ring at staff. */
export function ringing(alarms: readonly AlarmView[]): AlarmView[] {
  return alarms.filter((one) => one.kind !== 'nurse_call' && one.taken_at === null && one.closed_at === null).sort((a, b) => a.raised_at - b.raised_at)
}
/** How many more ring than the list holds: very many do, and it shows the newest and the longest waiting of each network. */
export function unlisted(alarms: readonly AlarmView[]): number {
  return alarms[0]?.unlisted ?? 0
}
/** Emergencies that a colleague took and has not closed. */
export function inOtherHands(alarms: readonly AlarmView[]): AlarmView[] {
  return alarms.filter((one) => one.kind !== 'nurse_call' && one.taken_at !== null && !one.mine && one.closed_at === null)
}
/** The line that this window has open: mine, or one that a doctor took over from me. One that was handed back is over for me. */
export function lineOf(alarms: readonly AlarmView[], id: string | null): AlarmView | null {
  return alarms.find((one) => one.id === id && one.closed_at === null && one.taken_at !== null) ?? null
}
export function mine(alarms: readonly AlarmView[]): AlarmView[] {
  return alarms.filter((one) => one.mine && one.closed_at === null)
}

/** Lowering needs a reason; EMERGENCY is lowered by a doctor only. */
export function mayChangeLevel(from: Level, to: Level, role: 'doctor' | 'nurse', reason: string): 'ok' | 'same' | 'reason' | 'doctor' {
  const order = (level: Level): number => LEVELS.indexOf(level)
  if (from === to) return 'same'
  if (order(to) > order(from)) {
    if (from === 'EMERGENCY' && role !== 'doctor') return 'doctor'
    if (reason.trim().length < 2) return 'reason'
  }
  return 'ok'
}

/** Who may call a booked ticket now: the doctor of the appointment alone, or any free desk. */
export function mayCallBooked(row: Pick<TicketRow, 'level' | 'booked'>, me: string, now: number): 'mine' | 'urgent' | 'waits' | 'anybody' | null {
  const { booked } = row
  if (!booked) return null
  if (row.level === 'URGENT') return 'urgent'
  if (booked.waits_until === null || booked.waits_until <= now) return 'anybody'
  return booked.doctor === me ? 'mine' : 'waits'
}

/** 3:07, for countdowns and timers. */
export function minutesSeconds(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** Reasons one after the other: each was written as a sentence of its own. */
export function inOneLine(reasons: readonly string[]): string {
  return reasons.map((one) => one.replace(/[。.]\s*$/, '')).join(t('common.then'))
}

/** The figures of a declaration as a record writes them, short: 38.6 ℃, SpO₂ 93 %. */
export function figuresOf(stated: Stated | undefined): string[] {
  const { temperature, fever_days: days, spo2, breaths, pulse } = stated ?? {}
  return [
    temperature === undefined ? '' : t('figure.temperature', { n: temperature.toFixed(1) }),
    days === undefined || days === 0 ? '' : t('figure.fever_days', { n: days }),
    spo2 === undefined ? '' : t('figure.spo2', { n: spo2 }),
    breaths === undefined ? '' : t('figure.breaths', { n: breaths }),
    pulse === undefined ? '' : t('figure.pulse', { n: pulse }),
  ].filter(Boolean)
}
/** How to speak with somebody, where it is not simply in Chinese. */
export function speechOf(speech: Speech | undefined): string[] {
  const known = (speech?.needs ?? []).filter((need) => isKey(`speech.${need}`))
  return [...(speech?.language === 'en' ? [t('speech.en')] : []), ...known.map((need) => t(`speech.${need}`))]
}

/** Who set a level and why, where a person did; the server's one word for a false alarm is said in ours. */
export function decisionOf(decided: { decided_by?: Text; decided_why?: string }): string | null {
  if (!decided.decided_by) return null
  const why = decided.decided_why === 'false_alarm' ? t('alarm.outcome.false_alarm') : decided.decided_why
  const by = pick(decided.decided_by)
  return why ? t('level.decided.why', { by, why }) : t('level.decided', { by })
}
