// How a socket is begun, and given up: for a while, or for good.

import type { Problem } from '@/protocol/live'
import { isTrying, problem, stay, type Effect, type Link, type Pending, type Step, type World } from './link'
import { delay, KNOCK_MS, OPEN_MS, patience, RESTART_MS, STEADY_MS } from './patience'
import { newest } from './saying'

/** Begins a socket; what an older one says is not heard from now on. */
export function connect(link: Link, attempt: number, since: number, world: World): Step {
  const socket = link.socket + 1
  return {
    link: { ...link, socket, phase: { name: 'opening', began: world.now, deadline: world.now + patience(link, OPEN_MS), attempt, since } },
    effects: [{ do: 'connect', socket }],
  }
}

/** The socket is gone. What may be said twice is kept, the rest is refused so that its caller can decide. */
export function lose(link: Link, world: World, gentle = false): Step {
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

/** Ends for good, until `start`. */
export function finish(link: Link, why: Problem | null): Step {
  const open = [...link.sent.values(), ...link.queue].filter((one) => one.ref >= 0)
  const effects: Effect[] = open.map((one) => ({ do: 'settle', ref: one.ref, problem: why ?? problem('live.stopped') }))
  if (isTrying(link.phase)) effects.push({ do: 'close' })
  return { link: { ...link, socket: link.socket + 1, phase: { name: 'closed', problem: why }, queue: [], sent: new Map(), unheard: new Map() }, effects }
}

/** The session is over: whoever signs in next on this page has no seat of it to take up. */
export function partWith(link: Link, why: Problem | null): Step {
  const { link: ended, effects } = finish(link, why)
  return { link: { ...ended, resume: null, token: null, refusals: 0, refused: null }, effects: [...effects, { do: 'remember', resume: null }] }
}
