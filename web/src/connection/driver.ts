// Carries out what the machine decides: sockets, timers, promises. Everything from outside is handed in.

import { decode, encode } from '@/protocol/codec'
import type { Command, LiveEvent, Problem, ServerMessage } from '@/protocol/live'
import type { TicketView } from '@/protocol/types'
import { deadline, missingSince, newLink, type Effect, type Input, type Link, type Patience } from './link'
import { step } from './machine'

/** What the connection needs of a `WebSocket`. */
export interface Socket {
  send(text: string): void
  close(): void
  onopen: (() => void) | null
  onclose: (() => void) | null
  onerror: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
}

export interface ConnectionOptions {
  makeSocket: () => Socket
  /** The access token of the moment. */
  token: () => string | null
  /** Exchanges the tokens; `false`: not now, or never again. */
  renew: (isNeeded: boolean) => Promise<boolean>
  now: () => number
  chance: () => number
  setTimer: (act: () => void, ms: number) => unknown
  clearTimer: (timer: unknown) => void
  /** Where the resume token outlives a reload of this window. */
  memory: { read: () => string | null; write: (resume: string | null) => void }
  /** Called after every change. */
  changed: (status: Status) => void
  /** A message that could not be read: for the log, without its content. */
  unread?: (failure: string, detail: string) => void
}

export type Status =
  | { name: 'idle' }
  | { name: 'connecting' }
  | { name: 'open' }
  | { name: 'reconnecting'; since: number }
  /** The socket is there, but the server could not yet follow everything that was asked of it: what is shown may be old. */
  | { name: 'catching_up'; since: number }
  | { name: 'closed'; problem: Problem | null }

/** A refusal of a command, with the code of the server, or `live.lost`, `live.no_answer`, `live.stopped` of our own. */
export class Refusal extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.code)
    this.name = 'Refusal'
    this.problem = problem
  }
}

export interface Connection {
  start(): void
  stop(): void
  /** The network is back or the page is seen again. */
  nudge(): void
  /** Media of the same server comes again after it was missed. */
  back(): void
  /** Media of the same server is missed that came steadily. */
  doubt(): void
  /** The network is very weak, or is so no longer: what is late is not lost there. */
  slow(slow: boolean): void
  /** A call begins or ends: in a call it is tried again sooner. */
  calling(calling: boolean): void
  /** Nothing that is sent is lost on the weak network any more. */
  clear(): void
  command(command: Command, options?: { patience?: Patience; key?: string }): Promise<void>
  /**
   * Events of a topic after `since`. Answers how to stop. `followed` hears, on each socket, that the server tells them from now on:
   * what was read before may be older than the first of them.
   */
  subscribe(topic: string, since: number | null, hear: (event: LiveEvent) => void, followed?: () => void): () => void
  /** The view of one's own ticket, now and at every change. Answers how to stop. */
  watch(ticket: string, hear: (ticket: TicketView) => void): () => void
  /** Every other message: welcome, rooms, answers, slots, bye. Answers how to stop. */
  listen(hear: (message: ServerMessage) => void): () => void
  status(): Status
  /** The server's clock, as well as it is known. */
  serverNow(): number
}

export function createConnection(options: ConnectionOptions): Connection {
  let link: Link = newLink(options.memory.read())
  let socket: Socket | null = null
  let timer: unknown = null
  let everOpen = false
  let nextRef = 0
  let shown = ''
  const waiting = new Map<number, { resolve: () => void; reject: (cause: Refusal) => void }>()
  const onEvent = new Listeners<LiveEvent>()
  const onFollowed = new Listeners<void>()
  const onTicket = new Listeners<TicketView>()
  const onMessage = new Set<(message: ServerMessage) => void>()

  function feed(input: Input): void {
    const result = step(link, input, { now: options.now(), chance: options.chance() })
    link = result.link
    if (link.phase.name === 'open') everOpen = true
    for (const effect of result.effects) carryOut(effect)
    arm()
    const status = statusOf()
    const key = JSON.stringify(status)
    if (key !== shown) {
      shown = key
      options.changed(status)
    }
  }

  function arm(): void {
    if (timer !== null) options.clearTimer(timer)
    const at = deadline(link)
    timer = at === null ? null : options.setTimer(() => feed({ type: 'tick' }), Math.max(0, at - options.now()))
  }

  function statusOf(): Status {
    const phase = link.phase
    if (phase.name === 'idle') return { name: 'idle' }
    if (phase.name === 'open') {
      const since = missingSince(link)
      return since === null ? { name: 'open' } : { name: 'catching_up', since }
    }
    if (phase.name === 'closed') return { name: 'closed', problem: phase.problem }
    return everOpen ? { name: 'reconnecting', since: phase.since } : { name: 'connecting' }
  }

  function carryOut(effect: Effect): void {
    switch (effect.do) {
      case 'connect':
        return open(effect.socket)
      case 'send':
        return socket?.send(encode(effect.message))
      case 'close':
        return hangUp()
      case 'renew':
        return void renew()
      case 'remember':
        return options.memory.write(effect.resume)
      case 'settle': {
        const promise = waiting.get(effect.ref)
        waiting.delete(effect.ref)
        if (effect.problem === null) promise?.resolve()
        else promise?.reject(new Refusal(effect.problem))
        return
      }
      case 'deliver':
        return deliver(effect.message)
      case 'followed':
        return onFollowed.tell(effect.topic, undefined)
      case 'refused':
        return options.unread?.('refused', `${effect.topic}: ${effect.problem.code}`)
    }
  }

  /** A fault of one listener must not keep the others, or the socket itself, from going on. */
  function guarded<T>(hear: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        hear(value)
      } catch (cause) {
        options.unread?.('fault', String(cause))
      }
    }
  }

  function deliver(message: ServerMessage): void {
    if (message.type === 'event') onEvent.tell(message.topic, message)
    else if (message.type === 'ticket') onTicket.tell(message.ticket.id, message.ticket)
    else for (const hear of [...onMessage]) hear(message)
  }

  function open(number: number): void {
    hangUp()
    let made: Socket
    try {
      made = options.makeSocket()
    } catch {
      // A browser refuses at once while it is offline. The machine must not be entered twice at a time.
      options.setTimer(() => feed({ type: 'lost', socket: number }), 0)
      return
    }
    socket = made
    made.onopen = () => feed({ type: 'opened', socket: number, token: options.token() })
    made.onclose = () => feed({ type: 'lost', socket: number })
    made.onerror = () => feed({ type: 'lost', socket: number })
    made.onmessage = ({ data }) => {
      const decoded = decode(data)
      if (decoded.ok) feed({ type: 'message', socket: number, message: decoded.message })
      else options.unread?.(decoded.failure, decoded.detail)
    }
  }

  function hangUp(): void {
    if (socket === null) return
    const old = socket
    socket = null
    old.onopen = old.onclose = old.onerror = old.onmessage = null
    old.close()
  }

  async function renew(): Promise<void> {
    const fresh = await options.renew(link.phase.name !== 'open').catch(() => false)
    const token = options.token()
    if (token === null) feed({ type: 'signed_out' })
    else if (fresh) feed(link.phase.name === 'open' ? { type: 'token', token } : { type: 'nudge' })
  }

  return {
    start: () => feed({ type: 'start' }),
    stop: () => feed({ type: 'stop' }),
    nudge: () => feed({ type: 'nudge' }),
    back: () => feed({ type: 'back' }),
    doubt: () => feed({ type: 'doubt' }),
    slow: (slow) => feed({ type: 'slow', slow }),
    calling: (isCalling) => feed({ type: 'calling', calling: isCalling }),
    clear: () => feed({ type: 'clear' }),
    command(command, { patience = 'now', key } = {}) {
      return new Promise((resolve, reject) => {
        const ref = nextRef++
        waiting.set(ref, { resolve, reject })
        feed({ type: 'command', ref, command, patience, key: key ?? null })
      })
    },
    subscribe(topic, since, listener, followed) {
      const [hear, begun] = [guarded(listener), guarded<void>(() => followed?.())]
      onEvent.add(topic, hear)
      onFollowed.add(topic, begun)
      feed({ type: 'subscribe', topic, since })
      return () => {
        onFollowed.remove(topic, begun)
        if (onEvent.remove(topic, hear)) feed({ type: 'unsubscribe', topic })
      }
    },
    watch(ticket, listener) {
      const hear = guarded(listener)
      onTicket.add(ticket, hear)
      feed({ type: 'watch', ticket })
      return () => void (onTicket.remove(ticket, hear) && feed({ type: 'unwatch', ticket }))
    },
    listen(listener) {
      const hear = guarded(listener)
      onMessage.add(hear)
      return () => void onMessage.delete(hear)
    },
    status: statusOf,
    serverNow: () => options.now() + link.offset,
  }
}

/** Who listens to what. */
class Listeners<T> {
  readonly #sets = new Map<string, Set<(value: T) => void>>()

  add(name: string, hear: (value: T) => void): void {
    const set = this.#sets.get(name) ?? new Set()
    this.#sets.set(name, set.add(hear))
  }
  /** Whether that was the last one. */
  remove(name: string, hear: (value: T) => void): boolean {
    const set = this.#sets.get(name)
    if (!set?.delete(hear) || set.size > 0) return false
    return this.#sets.delete(name)
  }
  tell(name: string, value: T): void {
    for (const hear of [...(this.#sets.get(name) ?? [])]) hear(value)
  }
}
