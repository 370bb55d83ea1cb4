// What is said on the socket, and what came of it: commands with their answers, and the topics and tickets that the server follows.

import type { Command, LiveEvent, Problem } from '@/protocol/live'
import { followed, followedBy, isFinal, missed, takeDue, type Followed } from './following'
import { problem, stay, type Effect, type Input, type Link, type Pending, type Step, type World } from './link'
import { ANSWER_MS, DELAYS_MS, JITTER_MS } from './patience'

/** A command of the machine's own; nobody waits for its answer. */
export function quiet(command: Command): Pending {
  return { ref: -1, command, patience: 'now', key: null }
}

/** Says them at once, and waits for their answers for a while. */
export function say(link: Link, all: readonly Pending[], world: World): Step {
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

/** Says what somebody asks for; while the socket is down it waits or is refused, as its patience is. */
export function command(link: Link, input: Extract<Input, { type: 'command' }>, world: World): Step {
  const { ref, command: body, patience, key } = input
  if (link.phase.name === 'open') return say(link, [{ ref, command: body, patience, key }], world)
  if (patience === 'now' || link.phase.name === 'closed') {
    return stay(link, [{ do: 'settle', ref, problem: problem(link.phase.name === 'closed' ? 'live.stopped' : 'live.lost') }])
  }
  const replaced = link.queue.filter((one) => key !== null && one.key === key)
  const queue = [...link.queue.filter((one) => !replaced.includes(one)), { ref, command: body, patience, key }]
  return stay({ ...link, queue }, replaced.map((one) => ({ do: 'settle', ref: one.ref, problem: null })))
}

/** Of commands with the same key only the last is worth saying. */
export function newest(queue: readonly Pending[]): Pending[] {
  return queue.filter((one, index) => one.key === null || !queue.slice(index + 1).some((later) => later.key === one.key))
}

/** An answer came: somebody waited for it, or it says whether the server follows what it was asked to. */
export function settle(link: Link, id: number, why: Problem | null, world: World): Step {
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

export function subscribeCommand(topic: string, since: number | null): Pending {
  return quiet({ type: 'subscribe', topic, ...(since === null ? {} : { since }) })
}

/** Follows a topic after `since`. */
export function subscribe(link: Link, topic: string, since: number | null, world: World): Step {
  const known = link.topics.get(topic)
  // A second listener may have read its snapshot before the last event: what it missed is said again to both.
  const from = known === undefined ? since : earlier(known, since)
  const next = { ...link, topics: new Map([...link.topics, [topic, from]]) }
  return link.phase.name === 'open' ? say(next, [subscribeCommand(topic, from)], world) : stay(next)
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}

/** Nobody wants it any more, or it is not for us. */
export function unfollow(link: Link, what: Followed): Link {
  const next = { ...link, unheard: followed(link.unheard, what) }
  if (what.type === 'subscribe') return { ...next, topics: without(link.topics, what.name) }
  return { ...next, watches: new Set([...link.watches].filter((one) => one !== what.name)) }
}

/** The server could not follow it now: it is asked for again, unless nobody wants it any more. */
export function unheard(link: Link, what: Followed | null, { now, chance }: World): Link {
  if (what === null || !(what.type === 'subscribe' ? link.topics : link.watches).has(what.name)) return link
  return { ...link, unheard: missed(link.unheard, what, now, (attempt) => (DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)] ?? 0) + chance * JITTER_MS) }
}

/** Asks anew for what could not be followed, where its time has come. */
export function askAgain(link: Link, world: World): Step {
  const { due, left } = takeDue(link.unheard, world.now)
  const again = due.map(({ type, name }) => (type === 'watch' ? quiet({ type, ticket: name }) : subscribeCommand(name, link.topics.get(name) ?? null)))
  return say({ ...link, unheard: left }, again, world)
}

/** An event of a topic: told once and in order; before a gap it is asked for again. */
export function event(link: Link, message: LiveEvent, world: World): Step {
  const last = link.topics.get(message.topic)
  // Not asked for any more, or seen before the reconnection.
  if (last === undefined || (last !== null && message.seq <= last)) return stay(link)
  // Who was away too long is told so once, and reads the state anew.
  const isSkip = message.kind === 'topic.skipped'
  if (last !== null && message.seq > last + 1 && !isSkip) return say(link, [subscribeCommand(message.topic, last)], world)
  return stay({ ...link, topics: new Map([...link.topics, [message.topic, message.seq]]) }, [{ do: 'deliver', message }])
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const next = new Map(map)
  next.delete(key)
  return next
}
