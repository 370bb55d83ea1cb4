// What the server follows for us, and what of it must be asked for again: it may refuse for a while, with the database away.

import type { Command } from '@/protocol/live'

/** A topic or a ticket. */
export interface Followed {
  type: 'subscribe' | 'watch'
  name: string
}
/** It could not be followed `attempt` times in a row, since then. */
export interface Unheard extends Followed {
  /** `null` while an answer is awaited. */
  at: number | null
  attempt: number
  since: number
}
export type AllUnheard = ReadonlyMap<string, Unheard>

export function followedBy(said: Command): Followed | null {
  if (said.type === 'subscribe') return { type: 'subscribe', name: said.topic }
  return said.type === 'watch' ? { type: 'watch', name: said.ticket } : null
}

/** There is nothing to follow, or not for us. Whatever else is in the way passes. */
export function isFinal(code: string): boolean {
  return code === 'request.not_found' || code === 'request.invalid' || code.startsWith('auth.')
}

/** Refused once more: asked for again after the delay that belongs to the attempt. */
export function missed(all: AllUnheard, what: Followed, now: number, delay: (attempt: number) => number): AllUnheard {
  const before = all.get(nameOf(what))
  const attempt = (before?.attempt ?? 0) + 1
  return new Map([...all, [nameOf(what), { ...what, at: now + delay(attempt), attempt, since: before?.since ?? now }]])
}

export function followed(all: AllUnheard, what: Followed): AllUnheard {
  const next = new Map(all)
  next.delete(nameOf(what))
  return next
}

export function dueAt(all: AllUnheard): number {
  return Math.min(...[...all.values()].map((one) => one.at ?? Infinity))
}

/** What is to be asked for now, and what is left when that was done. */
export function takeDue(all: AllUnheard, now: number): { due: Followed[]; left: AllUnheard } {
  const due = [...all.values()].filter((one) => one.at !== null && now >= one.at)
  return { due, left: new Map([...all].map(([name, one]) => [name, due.includes(one) ? { ...one, at: null } : one])) }
}

function nameOf({ type, name }: Followed): string {
  return `${type} ${name}`
}
