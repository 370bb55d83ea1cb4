// The connection as a value: what is known of the socket, of what was said on it, and of the network below. What happens to it and
// what follows are values, too, so that a test turns the clock by hand.

import { unreachable, type ClientMessage, type Command, type Problem, type ServerMessage } from '@/protocol/live'
import { dueAt, type AllUnheard } from './following'

export type Phase =
  | { name: 'idle' }
  | { name: 'waiting'; until: number; attempt: number; since: number }
  | { name: 'opening'; began: number; deadline: number; attempt: number; since: number }
  | { name: 'greeting'; began: number; deadline: number; attempt: number; since: number }
  | { name: 'open'; opened: number; attempt: number; pingAt: number; deadAt: number }
  | { name: 'closed'; problem: Problem | null }

/** `now`: refused while the socket is down. `queue`: kept for the next one, and said again when its answer was lost. */
export type Patience = 'now' | 'queue'

/** Something to be said, or said and not answered. */
export interface Pending {
  ref: number
  command: Command
  patience: Patience
  /** A newer command with the same key replaces an unsent older one. */
  key: string | null
}

export interface Link {
  phase: Phase
  /** Counts sockets: what an old one still says is not heard. */
  socket: number
  /** Sent in the next `hello`, to take up the same seats. */
  resume: string | null
  /** The server's clock minus ours. */
  offset: number
  nextId: number
  queue: readonly Pending[]
  sent: ReadonlyMap<number, Pending & { deadline: number }>
  /** Topics with the last `seq` seen; `null` before the first. */
  topics: ReadonlyMap<string, number | null>
  watches: ReadonlySet<string>
  /** Of these the ones that the server said it cannot follow yet; the socket stays, for a call may hang on it. */
  unheard: AllUnheard
  /** The token that was said last, and when it is to be exchanged: it grows old whether or not its socket stays. */
  token: string | null
  renewAt: number
  /** Tokens that were refused in a row, and the last of them. One that could not be exchanged is refused as often as it is said. */
  refusals: number
  refused: string | null
  /** Since when the server restarts, as it said. */
  restarts: number | null
  /** The last ping that was said, and how long the last one took to come back. */
  pinged: { id: number; at: number } | null
  rtt: number | null
  /** The network is known to be very weak. */
  slow: boolean
  /** A call runs. */
  calling: boolean
  /** Since when nothing is lost there any more, and when that was said last. */
  clear: { since: number; at: number } | null
  /** When something was heard on an open socket. */
  heardAt: number
}

export type Input =
  | { type: 'start' }
  | { type: 'stop' }
  | { type: 'tick' }
  /** The network is back, the page is seen again: do not wait. */
  | { type: 'nudge' }
  /** Something else of this page hears the server again after it did not. */
  | { type: 'back' }
  /** Something else of this page hears the server no more. */
  | { type: 'doubt' }
  /** The network is very weak, or is so no longer. */
  | { type: 'slow'; slow: boolean }
  /** A call begins or ends. */
  | { type: 'calling'; calling: boolean }
  /** Nothing that this page sends is lost there any more. */
  | { type: 'clear' }
  | { type: 'opened'; socket: number; token: string | null }
  | { type: 'lost'; socket: number }
  | { type: 'message'; socket: number; message: ServerMessage }
  | { type: 'token'; token: string }
  | { type: 'signed_out' }
  | { type: 'command'; ref: number; command: Command; patience: Patience; key: string | null }
  | { type: 'subscribe'; topic: string; since: number | null }
  | { type: 'unsubscribe'; topic: string }
  | { type: 'watch'; ticket: string }
  | { type: 'unwatch'; ticket: string }

export type Effect =
  | { do: 'connect'; socket: number }
  | { do: 'send'; message: ClientMessage }
  | { do: 'close' }
  | { do: 'renew' }
  | { do: 'remember'; resume: string | null }
  | { do: 'settle'; ref: number; problem: Problem | null }
  | { do: 'deliver'; message: ServerMessage }
  /** From now on events of the topic come: what is read from here on misses none. */
  | { do: 'followed'; topic: string }
  | { do: 'refused'; topic: string; problem: Problem }

export interface World {
  now: number
  /** 0 ≤ chance < 1. */
  chance: number
}
export interface Step {
  link: Link
  effects: Effect[]
}

export function newLink(resume: string | null): Link {
  return {
    phase: { name: 'idle' }, socket: 0, resume, offset: 0, nextId: 1, queue: [], sent: new Map(),
    topics: new Map(), watches: new Set(), unheard: new Map(), token: null, renewAt: 0, refusals: 0, refused: null, restarts: null, pinged: null, rtt: null,
    slow: false, calling: false, clear: null, heardAt: 0,
  }
}

/** When the machine wants its next `tick`, if at all. */
export function deadline(link: Link): number | null {
  const answers = Math.min(...[...link.sent.values()].map((one) => one.deadline))
  switch (link.phase.name) {
    case 'idle':
    case 'closed':
      return null
    case 'waiting':
      return link.phase.until
    case 'opening':
    case 'greeting':
      return link.phase.deadline
    case 'open':
      return Math.min(link.phase.pingAt, link.phase.deadAt, link.renewAt, answers, dueAt(link.unheard))
    default:
      return unreachable(link.phase)
  }
}

/** Since when an open socket does not bring everything that was asked of it: what is shown may be old. */
export function missingSince(link: Link): number | null {
  return link.unheard.size === 0 ? null : Math.min(...[...link.unheard.values()].map((one) => one.since))
}

/** There is a socket, or there is about to be. */
export function isTrying(phase: Phase): boolean {
  return phase.name === 'opening' || phase.name === 'greeting' || phase.name === 'open'
}

export function stay(link: Link, effects: Effect[] = []): Step {
  return { link, effects }
}

/** One step after another. */
export function andThen(first: Step, more: (link: Link) => Step): Step {
  const second = more(first.link)
  return { link: second.link, effects: [...first.effects, ...second.effects] }
}

export function problem(code: string, message = ''): Problem {
  return { code, message }
}
