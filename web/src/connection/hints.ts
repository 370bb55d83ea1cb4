// What the page knows of the network besides its socket: media that is missed or comes again, a phone that woke up, a call that runs.
// None of it is proof. A socket is asked, or one that is in doubt is not waited for.

import { connect, lose } from './attempts'
import { isTrying, stay, type Link, type Phase, type Step, type World } from './link'
import { BACK_MS, CLEAR_FOR_MS, CLEAR_MS, delay, DOUBT_MS, PING_MS, PROBE_MS, STALLED_MS, STUCK_MS, YOUNG_MS } from './patience'

/** The network is back, or the page is seen again. */
export function nudge(link: Link, world: World): Step {
  const phase = link.phase
  // A browser that has just come into another network breaks off what it has just begun: in a call the next is tried at once.
  if (phase.name === 'waiting') return connect(link, link.calling ? 0 : phase.attempt, phase.since, world)
  if (phase.name === 'opening' && world.now - phase.began >= STUCK_MS) return connect(link, phase.attempt, phase.since, world)
  if (phase.name !== 'open') return stay(link)
  if (world.now >= phase.deadAt) return lose(link, world)
  // The phone may have slept: a socket that looks open is asked, and given less time than usual to answer.
  return ping({ ...link, phase: { ...phase, attempt: 0, deadAt: Math.min(phase.deadAt, world.now + PROBE_MS) } }, world)
}

/** Packets of media come again after they were missed. */
export function back(link: Link, world: World): Step {
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

/** Media that was steady is missed. */
export function doubt(link: Link, world: World): Step {
  const phase = link.phase
  return phase.name === 'open' && !link.slow && world.now < phase.deadAt ? probe(link, phase, DOUBT_MS, world) : stay(link)
}

/** Nothing is lost any more on a network that is very weak: what is stuck there only waits for a timer of TCP. */
export function clear(link: Link, world: World): Step {
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

/** Whoever waits for the next attempt when a call begins waits no longer than in a call. */
export function calling(link: Link, isCalling: boolean, world: World): Step {
  const next: Link = { ...link, calling: isCalling }
  const phase = link.phase
  if (phase.name !== 'waiting' || !isCalling) return stay(next)
  return stay({ ...next, phase: { ...phase, until: Math.min(phase.until, world.now + delay(next, phase.attempt - 1, world.chance)) } })
}

/** Asks a socket that looks open, and gives it little time. */
function probe(link: Link, phase: Extract<Phase, { name: 'open' }>, least: number, world: World): Step {
  const soon = Math.min(PROBE_MS, Math.max(least, 2 * (link.rtt ?? PROBE_MS)))
  return ping({ ...link, phase: { ...phase, deadAt: Math.min(phase.deadAt, world.now + soon) } }, world)
}

/** Asks for a sign of life. */
export function ping(link: Link, world: World): Step {
  if (link.phase.name !== 'open') return stay(link)
  return {
    link: { ...link, nextId: link.nextId + 1, pinged: { id: link.nextId, at: world.now }, phase: { ...link.phase, pingAt: world.now + PING_MS } },
    effects: [{ do: 'send', message: { type: 'ping', id: link.nextId } }],
  }
}
