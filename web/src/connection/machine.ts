// The socket's life as a value: (state, input) → (state, effects). It knows no clock, no chance and no network.
//
//   idle → opening → greeting → open ⇄ waiting (back-off) → opening …        closed = not again by itself

import { LIVE_VERSION, unreachable, type Command, type LiveEvent, type Problem, type ServerMessage, type ClientMessage } from '@/protocol/live'
import { dueAt, followed, followedBy, isFinal, missed, takeDue, type AllUnheard, type Followed } from './following'

/** Delays before the attempts after a loss. Jitter of up to a second is added from the second attempt on. */
export const DELAYS_MS = [0, 300, 1200, 2700, 4800, 7000] as const
export const JITTER_MS = 1000
/** In a call an attempt costs less than what is missed meanwhile: no attempt is later than this. */
export const CALL_DELAYS_MS = [0, 200, 500] as const
export const CALL_JITTER_MS = 300
export const PING_MS = 5_000
/** No message for so long: a dead mobile radio closes no socket. */
export const DEAD_MS = 10_000
/** After waking up a healthy server answers sooner than this. */
export const PROBE_MS = 4_000
export const OPEN_MS = 8_000
/** Both on a network that bears no moving picture: TCP tries again after ever longer pauses there, and a new socket would begin with
 *  a handshake that is as slow. */
export const SLOW_MS = 25_000
/** A network that is narrow and full no more: of whatever socket so long nothing was heard, it waits for a timer of TCP, which doubled with
 *  each loss. A ping goes out every five seconds. */
export const STALLED_MS = 7_000
/** It is said every second or two; not said for so long, something was lost again. */
export const CLEAR_MS = 5_000
/** So long nothing must be lost: one report of a full network says so now and then, too. */
export const CLEAR_FOR_MS = 3_000
/** An attempt that began so long before the network was back has asked nobody, and would ask again only after seconds. */
export const STUCK_MS = 400
/** Packets of media come again after they were missed: then the socket answers within twice its last round trip and no less than
 *  this, or it waits for a timer of TCP, which grew with the hole. A new one is quicker. */
export const BACK_MS = 150
/** An attempt that is younger began when the network was back, most likely: it is given until `STUCK_MS`. */
export const YOUNG_MS = 100
/** Media that was steady is missed: the socket answers within twice its last round trip and no less than this, or it went the same way. */
export const DOUBT_MS = 150
export const RENEW_MS = 4 * 60_000
/** One that could not be exchanged is tried again after this. */
export const RENEW_AGAIN_MS = 30_000
/** A socket that lived shorter than this does not start the delays anew. */
export const STEADY_MS = 5_000
/** Who exchanged so many tokens, and has each refused, is not let in. */
const REFUSALS = 2
const ANSWER_MS = 15_000
/** A server that said that it restarts is back within this time, and is asked for all the while: nobody in a call waits longer than it does. */
export const RESTART_MS = 60_000
/** Between two attempts meanwhile, and as much again by chance. */
export const KNOCK_MS = 500

export type Phase =
  | { name: 'idle' }
  | { name: 'waiting'; until: number; attempt: number; since: number }
  | { name: 'opening'; began: number; deadline: number; attempt: number; since: number }
  | { name: 'greeting'; began: number; deadline: number; attempt: number; since: number }
  | { name: 'open'; opened: number; attempt: number; pingAt: number; deadAt: number }
  | { name: 'closed'; problem: Problem | null }

/** `now`: refused while the socket is down. `queue`: kept for the next one, and said again when its answer was lost. */
export type Patience = 'now' | 'queue'

interface Pending {
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

export function step(link: Link, input: Input, world: World): Step {
  const phase = link.phase
  switch (input.type) {
    case 'start':
      return phase.name === 'idle' || phase.name === 'closed' ? connect({ ...link, refusals: 0, refused: null }, 0, world.now, world) : stay(link)
    case 'stop':
      return partWith(link, null)
    case 'signed_out':
      return partWith(link, problem('auth.required'))
    case 'nudge':
      return nudge(link, world)
    case 'back':
      return back(link, world)
    case 'doubt':
      return phase.name === 'open' && !link.slow && world.now < phase.deadAt ? probe(link, phase, DOUBT_MS, world) : stay(link)
    case 'slow':
      return stay({ ...link, slow: input.slow })
    case 'calling':
      return calling(link, input.calling, world)
    case 'clear':
      return clear(link, world)
    case 'tick':
      return tick(link, world)
    case 'opened':
      return input.socket === link.socket && phase.name === 'opening' ? greet(link, input.token, phase, world) : stay(link)
    case 'lost':
      return input.socket === link.socket && isTrying(phase) ? lose(link, world) : stay(link)
    case 'message':
      return input.socket === link.socket && isTrying(phase) ? hear(link, input.message, world) : stay(link)
    case 'token':
      return phase.name === 'open' ? say(withToken(link, input.token, world), [quiet({ type: 'renew', token: input.token })], world) : stay(link)
    case 'command':
      return command(link, input, world)
    case 'subscribe':
      return subscribe(link, input.topic, input.since, world)
    case 'unsubscribe': {
      const next = unfollow(link, { type: 'subscribe', name: input.topic })
      return phase.name === 'open' ? say(next, [quiet({ type: 'unsubscribe', topic: input.topic })], world) : stay(next)
    }
    case 'watch': {
      const next = { ...link, watches: new Set([...link.watches, input.ticket]) }
      return phase.name === 'open' ? say(next, [quiet({ type: 'watch', ticket: input.ticket })], world) : stay(next)
    }
    case 'unwatch':
      return stay(unfollow(link, { type: 'watch', name: input.ticket }))
    default:
      return unreachable(input)
  }
}

function stay(link: Link, effects: Effect[] = []): Step {
  return { link, effects }
}

function problem(code: string, message = ''): Problem {
  return { code, message }
}

/** How long is waited for what takes so long at most on other networks. */
function patience(link: Link, usual: number): number {
  return link.slow ? SLOW_MS : usual
}

function isTrying(phase: Phase): boolean {
  return phase.name === 'opening' || phase.name === 'greeting' || phase.name === 'open'
}

/** A command of the machine's own; nobody waits for its answer. */
function quiet(command: Command): Pending {
  return { ref: -1, command, patience: 'now', key: null }
}

/** A token that was said before is as old as it was. */
function withToken(link: Link, token: string, world: World): Link {
  return token === link.token ? link : { ...link, token, renewAt: world.now + RENEW_MS }
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const next = new Map(map)
  next.delete(key)
  return next
}

function connect(link: Link, attempt: number, since: number, world: World): Step {
  const socket = link.socket + 1
  return {
    link: { ...link, socket, phase: { name: 'opening', began: world.now, deadline: world.now + patience(link, OPEN_MS), attempt, since } },
    effects: [{ do: 'connect', socket }],
  }
}

function greet(link: Link, token: string | null, phase: Extract<Phase, { name: 'opening' }>, world: World): Step {
  if (token === null) return finish(link, problem('auth.required'))
  const hello: ClientMessage = { type: 'hello', version: LIVE_VERSION, token, ...(link.resume === null ? {} : { resume: link.resume }) }
  return {
    link: { ...withToken(link, token, world), phase: { ...phase, name: 'greeting', began: world.now, deadline: world.now + patience(link, OPEN_MS) } },
    effects: [{ do: 'send', message: hello }],
  }
}

/** The session is over: whoever signs in next on this page has no seat of it to take up. */
function partWith(link: Link, why: Problem | null): Step {
  const { link: ended, effects } = finish(link, why)
  return { link: { ...ended, resume: null, token: null, refusals: 0, refused: null }, effects: [...effects, { do: 'remember', resume: null }] }
}

/** Ends for good, until `start`. */
function finish(link: Link, why: Problem | null): Step {
  const open = [...link.sent.values(), ...link.queue].filter((one) => one.ref >= 0)
  const effects: Effect[] = open.map((one) => ({ do: 'settle', ref: one.ref, problem: why ?? problem('live.stopped') }))
  if (isTrying(link.phase)) effects.push({ do: 'close' })
  return { link: { ...link, socket: link.socket + 1, phase: { name: 'closed', problem: why }, queue: [], sent: new Map(), unheard: new Map() }, effects }
}

function nudge(link: Link, world: World): Step {
  const phase = link.phase
  // A browser that has just come into another network breaks off what it has just begun: in a call the next is tried at once.
  if (phase.name === 'waiting') return connect(link, link.calling ? 0 : phase.attempt, phase.since, world)
  if (phase.name === 'opening' && world.now - phase.began >= STUCK_MS) return connect(link, phase.attempt, phase.since, world)
  if (phase.name !== 'open') return stay(link)
  if (world.now >= phase.deadAt) return lose(link, world)
  // The phone may have slept: a socket that looks open is asked, and given less time than usual to answer.
  return ping({ ...link, phase: { ...phase, attempt: 0, deadAt: Math.min(phase.deadAt, world.now + PROBE_MS) } }, world)
}

function back(link: Link, world: World): Step {
  const phase = link.phase
  // There packets are missed all the time, and the socket is only late.
  if (link.slow && isTrying(phase)) return stay(link)
  // Packets come again: should it not answer, the next one waits for nothing.
  if (phase.name === 'open' && world.now < phase.deadAt) return probe(link, { ...phase, attempt: 0 }, BACK_MS, world)
  if (phase.name === 'waiting') return connect(link, 0, phase.since, world)
  if (phase.name !== 'opening' && phase.name !== 'greeting') return nudge(link, world)
  if (world.now - phase.began >= YOUNG_MS) return connect(link, 0, phase.since, world)
  // If it did begin in the hole, its first packet is lost, and TCP says the next only after a second.
  return stay({ ...link, phase: { ...phase, attempt: 0, deadline: Math.min(phase.deadline, phase.began + STUCK_MS) } })
}

/** Whoever waits for the next attempt when a call begins waits no longer than in a call. */
function calling(link: Link, isCalling: boolean, world: World): Step {
  const next: Link = { ...link, calling: isCalling }
  const phase = link.phase
  if (phase.name !== 'waiting' || !isCalling) return stay(next)
  return stay({ ...next, phase: { ...phase, until: Math.min(phase.until, world.now + delay(next, phase.attempt - 1, world.chance)) } })
}

/** What is waited before an attempt after so many in a row. A handshake a second would fill a very weak network. */
function delay({ calling, slow }: Link, attempt: number, chance: number): number {
  const [delays, jitter] = calling && !slow ? [CALL_DELAYS_MS, CALL_JITTER_MS] : [DELAYS_MS, JITTER_MS]
  return (delays[Math.min(attempt, delays.length - 1)] ?? 0) + (attempt > 0 ? chance * jitter : 0)
}

function clear(link: Link, world: World): Step {
  const phase = link.phase
  if (!link.slow) return stay(link)
  const last = link.clear
  const since = last !== null && world.now - last.at <= CLEAR_MS ? last.since : world.now
  const told: Link = { ...link, clear: { since, at: world.now } }
  if (world.now - since < CLEAR_FOR_MS) return stay(told)
  if (phase.name === 'open') return world.now - link.heardAt >= STALLED_MS ? lose(told, world) : stay(told)
  // One that began since then has lost nothing, and is merely as slow as its network.
  const isStalled = (phase.name === 'opening' || phase.name === 'greeting') && world.now - phase.began >= STALLED_MS && phase.began < since
  return isStalled ? connect(told, phase.attempt, phase.since, world) : stay(told)
}

/** Asks a socket that looks open, and gives it little time. */
function probe(link: Link, phase: Extract<Phase, { name: 'open' }>, least: number, world: World): Step {
  const soon = Math.min(PROBE_MS, Math.max(least, 2 * (link.rtt ?? PROBE_MS)))
  return ping({ ...link, phase: { ...phase, deadAt: Math.min(phase.deadAt, world.now + soon) } }, world)
}

function ping(link: Link, world: World): Step {
  if (link.phase.name !== 'open') return stay(link)
  return {
    link: { ...link, nextId: link.nextId + 1, pinged: { id: link.nextId, at: world.now }, phase: { ...link.phase, pingAt: world.now + PING_MS } },
    effects: [{ do: 'send', message: { type: 'ping', id: link.nextId } }],
  }
}

function tick(link: Link, world: World): Step {
  const phase = link.phase
  const now = world.now
  switch (phase.name) {
    case 'idle':
    case 'closed':
      return stay(link)
    case 'waiting':
      return now >= phase.until ? connect(link, phase.attempt, phase.since, world) : stay(link)
    case 'opening':
    case 'greeting':
      return now >= phase.deadline ? lose(link, world) : stay(link)
    case 'open': {
      if (now >= phase.deadAt) return lose(link, world)
      const late = [...link.sent].filter(([, one]) => now >= one.deadline)
      const sent = new Map([...link.sent].filter(([, one]) => now < one.deadline))
      const effects: Effect[] = late.filter(([, one]) => one.ref >= 0).map(([, one]) => ({ do: 'settle', ref: one.ref, problem: problem('live.no_answer') }))
      let next: Step = { link: { ...link, sent }, effects }
      next = then(next, (one) => askAgain(late.reduce((all, [, { command: said }]) => unheard(all, followedBy(said), world), one), world))
      if (now >= link.renewAt) {
        next = { link: { ...next.link, renewAt: now + RENEW_AGAIN_MS }, effects: [...next.effects, { do: 'renew' }] }
      }
      return now >= phase.pingAt ? then(next, (one) => ping(one, world)) : next
    }
    default:
      return unreachable(phase)
  }
}

function then(first: Step, more: (link: Link) => Step): Step {
  const second = more(first.link)
  return { link: second.link, effects: [...first.effects, ...second.effects] }
}

/** The socket is gone. What may be said twice is kept, the rest is refused so that its caller can decide. */
function lose(link: Link, world: World, gentle = false): Step {
  const phase = link.phase
  if (phase.name === 'idle' || phase.name === 'closed' || phase.name === 'waiting') return stay(link)
  const steady = phase.name === 'open' && world.now - phase.opened >= STEADY_MS
  const attempt = steady ? 0 : phase.attempt
  const since = phase.name === 'open' ? world.now : phase.since
  const kept = [...link.sent.values()].filter((one) => one.patience === 'queue').map(({ ref, command, patience, key }): Pending => ({ ref, command, patience, key }))
  const dropped = [...link.sent.values()].filter((one) => one.patience === 'now' && one.ref >= 0)
  // A restarting server meets everybody at once: spread out even the first attempt.
  const restarts = gentle ? world.now : link.restarts
  const isAwaited = restarts !== null && world.now - restarts < RESTART_MS
  const wait = isAwaited ? KNOCK_MS * (gentle ? 2 * world.chance : 1 + world.chance) : delay(link, attempt, world.chance)
  const all = [...kept, ...link.queue]
  const queue = newest(all)
  const effects: Effect[] = [
    { do: 'close' },
    ...dropped.map((one): Effect => ({ do: 'settle', ref: one.ref, problem: problem('live.lost') })),
    ...all.filter((one) => !queue.includes(one)).map((one): Effect => ({ do: 'settle', ref: one.ref, problem: null })),
  ]
  const next: Link = {
    ...link,
    socket: link.socket + 1,
    sent: new Map(),
    unheard: new Map(),
    queue,
    restarts,
    phase: { name: 'waiting', until: world.now + wait, attempt: attempt + 1, since },
  }
  return { link: next, effects }
}

/** Of commands with the same key only the last is worth saying. */
function newest(queue: readonly Pending[]): Pending[] {
  return queue.filter((one, index) => one.key === null || !queue.slice(index + 1).some((later) => later.key === one.key))
}

function command(link: Link, input: Extract<Input, { type: 'command' }>, world: World): Step {
  const { ref, command: body, patience, key } = input
  if (link.phase.name === 'open') return say(link, [{ ref, command: body, patience, key }], world)
  if (patience === 'now' || link.phase.name === 'closed') {
    return stay(link, [{ do: 'settle', ref, problem: problem(link.phase.name === 'closed' ? 'live.stopped' : 'live.lost') }])
  }
  const replaced = link.queue.filter((one) => key !== null && one.key === key)
  const queue = [...link.queue.filter((one) => !replaced.includes(one)), { ref, command: body, patience, key }]
  return stay({ ...link, queue }, replaced.map((one) => ({ do: 'settle', ref: one.ref, problem: null })))
}

function say(link: Link, all: readonly Pending[], world: World): Step {
  const sent = new Map(link.sent)
  let id = link.nextId
  const effects: Effect[] = []
  for (const one of all) {
    sent.set(id, { ...one, deadline: world.now + ANSWER_MS })
    effects.push({ do: 'send', message: { ...one.command, id } })
    id += 1
  }
  return { link: { ...link, nextId: id, sent }, effects }
}

function subscribeCommand(topic: string, since: number | null): Pending {
  return quiet({ type: 'subscribe', topic, ...(since === null ? {} : { since }) })
}

function subscribe(link: Link, topic: string, since: number | null, world: World): Step {
  const known = link.topics.get(topic)
  // A second listener may have read its snapshot before the last event: what it missed is said again to both.
  const from = known === undefined ? since : earlier(known, since)
  const next = { ...link, topics: new Map([...link.topics, [topic, from]]) }
  return link.phase.name === 'open' ? say(next, [subscribeCommand(topic, from)], world) : stay(next)
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}

function hear(link: Link, message: ServerMessage, world: World): Step {
  const heard = alive(link, world)
  switch (message.type) {
    case 'welcome':
      return welcome(heard, message, world)
    case 'pong':
      return stay({ ...heard, offset: message.now - world.now, rtt: heard.pinged?.id === message.id ? world.now - heard.pinged.at : heard.rtt })
    case 'done':
      return settle(heard, message.id, null, world)
    case 'refused':
      return message.id === null && link.phase.name === 'greeting' ? turnedAway(heard, message.problem, world) : settle(heard, message.id ?? -1, message.problem, world)
    case 'event':
      return event(heard, message, world)
    case 'bye':
      return then(stay(heard, [{ do: 'deliver', message }]), (one) => turnedAway(one, message.problem, world))
    case 'ticket':
    case 'room':
    case 'door':
    case 'answer':
    case 'offer_refused':
    case 'slots':
    case 'layers':
    case 'offer_again':
    case 'speaker':
    case 'still':
    case 'said':
    case 'media_state':
    case 'room_ended':
      return stay(heard, [{ do: 'deliver', message }])
    default:
      return unreachable(message)
  }
}

function alive(link: Link, world: World): Link {
  return link.phase.name === 'open' ? { ...link, heardAt: world.now, phase: { ...link.phase, deadAt: world.now + patience(link, DEAD_MS) } } : link
}

function welcome(link: Link, message: Extract<ServerMessage, { type: 'welcome' }>, world: World): Step {
  if (link.phase.name !== 'greeting') return stay(link)
  const now = world.now
  const open: Link = {
    ...link,
    resume: message.resume,
    offset: message.now - now,
    refusals: 0,
    refused: null,
    restarts: null,
    pinged: null,
    // The first round trip is that of the greeting.
    rtt: now - link.phase.began,
    heardAt: now,
    queue: [],
    phase: { name: 'open', opened: now, attempt: link.phase.attempt, pingAt: now + PING_MS, deadAt: now + patience(link, DEAD_MS) },
  }
  const again = [
    ...[...link.topics].map(([topic, since]) => subscribeCommand(topic, since)),
    ...[...link.watches].map((ticket) => quiet({ type: 'watch', ticket })),
    ...link.queue,
  ]
  const first = stay(open, [{ do: 'remember', resume: message.resume }, { do: 'deliver', message }])
  return then(first, (one) => say(one, again, world))
}

function settle(link: Link, id: number, why: Problem | null, world: World): Step {
  const found = link.sent.get(id)
  if (found === undefined) return stay(link)
  const sent = new Map(link.sent)
  sent.delete(id)
  const next = { ...link, sent }
  if (found.ref >= 0) return stay(next, [{ do: 'settle', ref: found.ref, problem: why }])
  const what = followedBy(found.command)
  if (what === null) return stay(next)
  if (why === null) return stay({ ...next, unheard: followed(next.unheard, what) }, what.type === 'subscribe' ? [{ do: 'followed', topic: what.name }] : [])
  if (!isFinal(why.code)) return stay(unheard(next, what, world))
  return stay(unfollow(next, what), [{ do: 'refused', topic: what.type === 'subscribe' ? what.name : `ticket:${what.name}`, problem: why }])
}

function unfollow(link: Link, what: Followed): Link {
  const next = { ...link, unheard: followed(link.unheard, what) }
  if (what.type === 'subscribe') return { ...next, topics: without(link.topics, what.name) }
  return { ...next, watches: new Set([...link.watches].filter((one) => one !== what.name)) }
}

/** The server could not follow it now: it is asked for again, unless nobody wants it any more. */
function unheard(link: Link, what: Followed | null, { now, chance }: World): Link {
  if (what === null || !(what.type === 'subscribe' ? link.topics : link.watches).has(what.name)) return link
  return { ...link, unheard: missed(link.unheard, what, now, (attempt) => (DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)] ?? 0) + chance * JITTER_MS) }
}

function askAgain(link: Link, world: World): Step {
  const { due, left } = takeDue(link.unheard, world.now)
  const again = due.map(({ type, name }) => (type === 'watch' ? quiet({ type, ticket: name }) : subscribeCommand(name, link.topics.get(name) ?? null)))
  return say({ ...link, unheard: left }, again, world)
}

function event(link: Link, message: LiveEvent, world: World): Step {
  const last = link.topics.get(message.topic)
  // Not asked for any more, or seen before the reconnection.
  if (last === undefined || (last !== null && message.seq <= last)) return stay(link)
  // Who was away too long is told so once, and reads the state anew.
  const isSkip = message.kind === 'topic.skipped'
  if (last !== null && message.seq > last + 1 && !isSkip) return say(link, [subscribeCommand(message.topic, last)], world)
  return stay({ ...link, topics: new Map([...link.topics, [message.topic, message.seq]]) }, [{ do: 'deliver', message }])
}

/** The server ends the socket, or did not like the `hello`. */
function turnedAway(link: Link, why: Problem, world: World): Step {
  const code = why.code
  if (['live.replaced', 'live.version_unsupported', 'live.malformed', 'auth.forbidden'].includes(code)) return finish(link, why)
  if (!code.startsWith('auth.')) return lose(link, world, code === 'server.shutting_down')
  const refusals = link.refusals + (link.token === link.refused ? 0 : 1)
  if (refusals > REFUSALS) return finish(link, why)
  return then(lose({ ...link, refusals, refused: link.token }, world), (one) => stay(one, [{ do: 'renew' }]))
}
