import { isKey, type Key } from '@/i18n'
import type { SeenTicket, ToldChange } from '@/protocol/draft'
import type { TicketView } from '@/protocol/types'

/** A calm sentence about something that changed while waiting, and why. */
export interface Change {
  at: number
  key: Key
  args: Record<string, string | number>
}

/** What a waiting patient should be told about the step from one view of the ticket to the next, if anything. */
export function changeOf(before: SeenTicket, after: TicketView): Change | null {
  const say = (key: Key, args: Record<string, string | number> = {}): Change => ({ at: after.as_of, key, args })
  if (after.phase !== 'waiting') return null
  // The count says it even to a page that slept through the call and saw nothing of it.
  const missed = after.missed > before.missed || (before.phase === 'called' && after.moved === 'missed_call')
  if (missed) return say('wait.change.missed', { n: after.miss_shift })
  if (before.phase === 'serving' && after.moved === 'patient_lost') return say('wait.change.patient_lost', { n: after.miss_shift })
  if (before.phase !== 'waiting') {
    return after.moved === 'wrong_person' ? say('wait.change.wrong_person') : say('wait.change.place_kept')
  }
  if (before.level !== after.level && after.moved === 'raised') return say('wait.change.raised')
  if (before.level !== after.level && after.moved === 'lowered') return say('wait.change.lowered')
  if (before.desks_open > 0 && after.desks_open === 0) return say('wait.change.no_desk')
  if (after.desks_open > before.desks_open) return say('wait.change.more_desks', { n: after.desks_open })
  if (after.desks_open < before.desks_open) return say('wait.change.fewer_desks', { n: after.desks_open })
  if (before.ahead === null || after.ahead === null) return null
  if (after.ahead > before.ahead) return say('wait.change.urgent_first', { n: after.ahead - before.ahead })
  if (after.ahead < before.ahead) return after.ahead === 0 ? say('wait.change.next') : say('wait.change.forward', { n: after.ahead })
  return null
}

/** Sentences that were kept over a reload; one whose words are gone is not told again. */
export function restored(told: readonly ToldChange[]): Change[] {
  return told.flatMap(({ at, key, args }) => (isKey(key) ? [{ at, key, args }] : []))
}

/** Where the ring around the number stands, 0 to 1: how far from the first place seen to the front. */
export function progress(first: number | null, ahead: number | null): number {
  if (ahead === null || first === null) return 0
  if (ahead === 0) return 1
  return first <= 0 ? 0 : Math.max(0.04, Math.min(1, (first - ahead) / (first + 1)))
}
