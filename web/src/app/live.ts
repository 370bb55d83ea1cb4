import { effectScope, getCurrentScope, onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue'
import { createConnection, type Connection, type Status } from '@/connection/driver'
import type { LiveEvent, ServerMessage } from '@/protocol/live'
import type { TicketView } from '@/protocol/types'
import type { Session } from './session'

/** The one socket of a session, for everything that a page wants to hear. */
export interface Live {
  status: Readonly<ShallowRef<Status>>
  command: Connection['command']
  subscribe: Connection['subscribe']
  watch: Connection['watch']
  listen: Connection['listen']
  /** The server's clock, as well as it is known. Countdowns run on it. */
  now: () => number
  /** Opens again after another window took over. */
  start: () => void
  /** The network is back, somebody else has noticed: do not wait. */
  nudge: () => void
  /** Media comes again after it was missed: the network is back, whatever the socket believes. */
  back: () => void
  /** Media that came steadily is missed: the socket may have gone the same way. */
  doubt: () => void
  /** The network is very weak, or is so no longer. */
  slow: (slow: boolean) => void
  /** A call begins or ends: in a call it is tried again sooner. */
  calling: (calling: boolean) => void
  /** Nothing that is sent is lost on the weak network any more. */
  clear: () => void
}

const lives = new WeakMap<Session, Live>()

/**
 * The socket of a session; opened when it is first wanted, closed when the session ends.
 * `name` keeps the seat of this window apart from those of others: `staff`, or the patient's link.
 */
export function liveOf(session: Session, name: string): Live {
  const known = lives.get(session)
  if (known) return known
  const status = shallowRef<Status>({ name: 'idle' })
  const connection = createConnection({
    makeSocket: () => new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/ws`) as never,
    token: () => session.token(),
    renew: (isNeeded) => session.renew(isNeeded),
    now: () => Date.now(),
    chance: () => Math.random(),
    setTimer: (act, ms) => window.setTimeout(act, ms),
    clearTimer: (timer) => window.clearTimeout(timer as number),
    memory: seatMemory(`yunzhen.resume.${name}`),
    changed: (next) => (status.value = next),
    unread: (failure, detail) => console.error(`live: ${failure} message: ${detail}`),
  })
  const live: Live = {
    status,
    command: connection.command,
    subscribe: connection.subscribe,
    watch: connection.watch,
    listen: connection.listen,
    now: connection.serverNow,
    start: connection.start,
    nudge: connection.nudge,
    back: connection.back,
    doubt: connection.doubt,
    slow: connection.slow,
    calling: connection.calling,
    clear: connection.clear,
  }
  lives.set(session, live)
  wakeWith(connection.nudge)
  // It belongs to the session, not to the screen that wanted it first.
  effectScope(true).run(() => watch(session.subject, (subject, before) => {
    if (subject === null) connection.stop()
    else if (before === null) connection.start()
  }, { flush: 'sync' }))
  if (session.subject.value !== null) connection.start()
  return live
}

/** Hears the events of a topic until the component goes. */
export function useTopic(live: Live, topic: string, since: number | null, hear: (event: LiveEvent) => void): () => void {
  return until(live.subscribe(topic, since, hear))
}

/** Hears the view of one's own ticket until the component goes. */
export function useTicket(live: Live, ticket: string, hear: (ticket: TicketView) => void): () => void {
  return until(live.watch(ticket, hear))
}

/** Hears rooms, answers, slots and the like until the component goes. */
export function useMessages(live: Live, hear: (message: ServerMessage) => void): () => void {
  return until(live.listen(hear))
}

function until(stop: () => void): () => void {
  if (getCurrentScope()) onScopeDispose(stop)
  return stop
}

/** The network is back, the page is shown again: whoever slept must not wait for its turn. */
function wakeWith(nudge: () => void): void {
  window.addEventListener('online', nudge)
  window.addEventListener('pageshow', nudge)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') nudge()
  })
}

function seatMemory(key: string): { read: () => string | null; write: (resume: string | null) => void } {
  let here: string | null = null
  return {
    read() {
      try {
        return sessionStorage.getItem(key)
      } catch {
        return here
      }
    },
    write(resume) {
      here = resume
      try {
        if (resume === null) sessionStorage.removeItem(key)
        else sessionStorage.setItem(key, resume)
      } catch {
        // Storage may be forbidden: the seat then lasts as long as the page.
      }
    },
  }
}
