import { isKey, type Key } from '@/i18n'
import type { SeenTicket, ToldChange } from '@/protocol/draft'
import type { MoveReason, TicketView } from '@/protocol/types'

/** A calm sentence about something that changed while waiting, and why. */
export interface Change {
  at: number
  key: Key
  args: Record<string, string | number>
}

/** Why a number is in the queue again, or at another level; `null` where there is nothing to say. A reason without words does not compile. */
function reasonOf(moved: MoveReason, after: TicketView): Pick<Change, 'key' | 'args'> | null {
  switch (moved) {
    case 'missed_call':
      // Nobody was there to go before: then nothing moved, and the sentence does not say so.
      if (after.ahead === 0) return { key: 'wait.change.missed.first', args: { n: after.missed, total: after.void_after } }
      return { key: 'wait.change.missed', args: { n: after.miss_shift } }
    case 'patient_lost':
      return { key: 'wait.change.patient_lost', args: { n: after.miss_shift } }
    case 'wrong_person':
      return (after.wrong_persons ?? 0) > 1
        ? { key: 'wait.change.wrong_person.back', args: { n: after.miss_shift } }
        : { key: 'wait.change.wrong_person', args: {} }
    case 'call_cancelled':
      return { key: 'wait.change.cancelled', args: {} }
    case 'desk_lost':
      return { key: 'wait.change.place_kept', args: {} }
    case 'doctor_lost':
      return { key: 'wait.change.doctor_lost', args: {} }
    case 'raised':
      return { key: 'wait.change.raised', args: {} }
    case 'lowered':
      return { key: 'wait.change.lowered', args: {} }
    case 'transferred':
      return { key: 'wait.change.transferred', args: {} }
    // The one is said by the call itself, the other by the screen of a number that is over.
    case 'aged':
    case 'not_reached':
      return null
    default:
      return moved satisfies never
  }
}

/** What a waiting patient should be told about the step from one view of the ticket to the next, if anything. */
export function changeOf(before: SeenTicket, after: TicketView): Change | null {
  const say = (key: Key, args: Change['args'] = {}): Change => ({ at: after.as_of, key, args })
  if (after.phase !== 'waiting') return null
  // The count says it even to a page that slept through the call and saw nothing of it.
  const hasMoved = before.phase !== 'waiting' || before.level !== after.level || after.missed > before.missed
  const reason = hasMoved && after.moved ? reasonOf(after.moved, after) : null
  if (reason) return say(reason.key, reason.args)
  if (before.phase !== 'waiting') return null
  if (before.desks_open > 0 && after.desks_open === 0) return say('wait.change.no_desk')
  if (after.desks_open > before.desks_open) return say(before.desks_open === 0 ? 'wait.change.first_desks' : 'wait.change.more_desks', { n: after.desks_open })
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
