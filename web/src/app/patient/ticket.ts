import { computed, ref, shallowRef } from 'vue'
import { readWait, writeWait } from '@/protocol/draft'
import { ApiError } from '@/protocol/http'
import type { RetriageAnswers, TicketView } from '@/protocol/types'
import type { Live } from '../live'
import type { Session } from '../session'
import { changeOf, restored, type Change } from './changes'
import { followTicket, type Link, type TicketFeed } from './feed'
import type { Known } from './flow'
import type { Memory } from './memory'

interface Surroundings {
  known: Known
  session: Session
  live: () => Live
  memory: Memory
  /** As long as this window is open. */
  here: Memory
}

/** The number that somebody waits with: followed for as long as it is one, and what changed of it told, over a reload as well. */
export function createTicket({ known, session, live, memory, here }: Surroundings) {
  const feed = shallowRef<TicketFeed | null>(null)
  const online = computed<Link>(() => feed.value?.link.value ?? { state: 'online' })
  const changes = shallowRef<Change[]>([])
  /** Server time minus the time of this device, ms: countdowns must not trust a phone's clock. */
  const clockOffset = ref(0)
  /** The alarm id of a nurse's call that was answered. */
  const nurse = ref<string | null>(null)
  /** Until it is answered once; a call that was left for a moment does not ring again. */
  const nurseRings = ref(false)
  let followed = ''

  function take(ticket: TicketView): void {
    const before = known.ticket
    // An answer may overtake a push: what is older never replaces what is newer.
    if (before && before.id === ticket.id && (ticket.version < before.version || ticket.as_of < before.as_of)) return
    clockOffset.value = ticket.as_of - Date.now()
    tell(before?.id === ticket.id ? before : null, ticket)
    known.ticket = ticket
    if (!(memory.get('first_ahead') ?? '').startsWith(ticket.id) && ticket.ahead !== null) {
      memory.set('first_ahead', `${ticket.id}|${ticket.ahead}`)
    }
    if (!ticket.nurse_call) nurse.value = null
    nurseRings.value = ticket.phase === 'waiting' && !!ticket.nurse_call && ticket.nurse_call !== here.get('nurse')
    if (ticket.phase === 'emergency' && ticket.nurse_call) known.alarm = ticket.nurse_call
    follow(ticket)
  }
  /** Says what changed since the ticket was last seen, by this page or by the one before a reload. */
  function tell(before: TicketView | null, ticket: TicketView): void {
    const kept = before ? null : readWait(memory.get('waiting'), ticket.id)
    if (!before) changes.value = restored(kept?.told ?? [])
    const seen = before ?? kept?.seen
    const change = seen ? changeOf(seen, ticket) : null
    if (change) changes.value = [change, ...changes.value].slice(0, 8)
    memory.set('waiting', writeWait(ticket, changes.value))
  }
  function follow(ticket: TicketView): void {
    const over = ['done', 'no_show', 'left', 'transferred'].includes(ticket.phase)
    if (followed === ticket.id && !over) return
    letGo()
    followed = over ? '' : ticket.id
    if (!over) feed.value = followTicket(live(), session.http, ticket.id, take)
  }
  /** What hung on the session is let go: whoever signs in next follows the ticket anew. */
  function letGo(): void {
    feed.value?.stop()
    feed.value = null
    followed = ''
  }
  /** Another window took the seat; the reader wants it here. */
  function followHere(): void {
    if (!known.ticket) return
    live().start()
    letGo()
    follow(known.ticket)
  }
  /** The new ticket in another clinic: its pushes replace those of the old one. */
  async function followTransfer(): Promise<void> {
    const next = known.ticket?.moved_to
    if (next) take(await session.http.get<TicketView>(`/tickets/${next}`))
  }

  /** The page of a ticket that is over was read: nothing of it is told any more. */
  function dismiss(): void {
    if (known.ticket) memory.set('dismissed', known.ticket.id)
  }
  function isDismissed(ticket: TicketView): boolean {
    return memory.get('dismissed') === ticket.id
  }
  /** It is put away with all that was told of it. */
  function putAway(): void {
    dismiss()
    letGo()
    changes.value = []
    memory.set('waiting', null)
  }

  async function act(path: 'accept' | 'not-me' | 'leave'): Promise<void> {
    const ticket = known.ticket
    if (!ticket) return
    try {
      take(await session.http.post<TicketView>(`/tickets/${ticket.id}/${path}`, { version: ticket.version }))
    } catch (cause) {
      const code = ApiError.from(cause).code
      if (code === 'ticket.state' || code === 'version.conflict') feed.value?.refresh()
      throw cause
    }
  }
  async function retriage(answers: RetriageAnswers): Promise<void> {
    if (known.ticket) take(await session.http.post<TicketView>(`/tickets/${known.ticket.id}/retriage`, answers))
  }
  function answerNurse(): void {
    nurse.value = known.ticket?.nurse_call ?? null
    nurseRings.value = false
    here.set('nurse', nurse.value)
  }
  /** The first place that was seen, so that the ring knows how far the way was. Kept over a reload. */
  function firstAhead(): number | null {
    const [id, ahead] = (memory.get('first_ahead') ?? '').split('|')
    return known.ticket && id === known.ticket.id ? Number(ahead) : (known.ticket?.ahead ?? null)
  }

  return {
    feed, online, changes, clockOffset, nurse, nurseRings, take, letGo, followHere, followTransfer, dismiss, isDismissed, putAway,
    act, retriage, answerNurse, firstAhead,
  }
}
