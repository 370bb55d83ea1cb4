// What the tests of the connection share.

import type { ClientMessage, ServerMessage } from '@/protocol/live'
import { deadline, newLink, type Effect, type Input, type Link } from './link'
import { step } from './machine'

/** A link under test: a clock that is turned by hand, and everything that the machine asked for. */
export class Bench {
  link: Link
  now = 100_000
  chance = 0
  effects: Effect[] = []
  constructor(resume: string | null = null) {
    this.link = newLink(resume)
  }
  feed(input: Input): this {
    const result = step(this.link, input, { now: this.now, chance: this.chance })
    this.link = result.link
    this.effects = result.effects
    return this
  }
  /** Turns the clock to the machine's own next deadline. */
  tick(): this {
    this.now = deadline(this.link) ?? this.now
    return this.feed({ type: 'tick' })
  }
  wait(ms: number): this {
    this.now += ms
    return this.feed({ type: 'tick' })
  }
  hear(message: ServerMessage): this {
    return this.feed({ type: 'message', socket: this.link.socket, message })
  }
  lose(): this {
    return this.feed({ type: 'lost', socket: this.link.socket })
  }
  open(): this {
    if (this.link.phase.name === 'idle') this.feed({ type: 'start' })
    this.feed({ type: 'opened', socket: this.link.socket, token: 'token' })
    return this.hear({ type: 'welcome', resume: 'seat', resumed: false, now: this.now, rooms: [] })
  }
  get phase(): string {
    return this.link.phase.name
  }
  get said(): ClientMessage[] {
    return this.effects.flatMap((one) => (one.do === 'send' ? [one.message] : []))
  }
  settled(ref: number): string | null | undefined {
    const found = this.effects.find((one) => one.do === 'settle' && one.ref === ref)
    return found?.do === 'settle' ? (found.problem?.code ?? null) : undefined
  }
}

/** A command that is refused while the socket is down. */
export const join: Input = { type: 'command', ref: 5, patience: 'now', key: null, command: { type: 'join', grant: 'g' } }
