import { describe, expect, it } from 'vitest'
import type { ClientMessage, ServerMessage } from '@/protocol/live'
import { BACK_MS, CALL_DELAYS_MS, CALL_JITTER_MS, CLEAR_FOR_MS, CLEAR_MS, DEAD_MS, DELAYS_MS, deadline, DOUBT_MS, JITTER_MS, KNOCK_MS, missingSince, newLink, OPEN_MS, PING_MS, PROBE_MS, STUCK_MS, RENEW_MS, RESTART_MS, SLOW_MS, STALLED_MS, YOUNG_MS, step, type Effect, type Input, type Link } from './machine'

/** A link under test: a clock that is turned by hand, and everything that the machine asked for. */
class Bench {
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

const media = (hidden: boolean): Input => ({
  type: 'command', ref: hidden ? 2 : 1, patience: 'queue', key: 'media',
  command: { type: 'media', room: 'r', state: { microphone: true, camera: true, test_picture: false, quality: 'good', hidden, screen: false, rung: 'full' } },
})
const join: Input = { type: 'command', ref: 5, patience: 'now', key: null, command: { type: 'join', grant: 'g' } }

describe('a very weak network', () => {
  it('is given longer to answer and to open, and a new socket is begun for no missed packet', () => {
    const bench = new Bench().open().feed({ type: 'slow', slow: true })
    const first = bench.link.socket
    bench.hear({ type: 'done', id: 99 }).wait(DEAD_MS + PING_MS).feed({ type: 'back' }).wait(BACK_MS)
    expect([bench.phase, bench.link.socket]).toEqual(['open', first])
    bench.wait(SLOW_MS - DEAD_MS - PING_MS - BACK_MS).tick()
    expect(bench.phase).toBe('opening')
    const second = bench.link.socket
    bench.feed({ type: 'back' }).wait(SLOW_MS - 1)
    expect([bench.phase, bench.link.socket]).toEqual(['opening', second])
  })

  /** What is said while nothing is lost, for so long. */
  const clearFor = (bench: Bench, ms: number): Bench => {
    for (const until = bench.now + ms; bench.now < until; ) {
      bench.now = Math.min(until, bench.now + 1_000)
      bench.feed({ type: 'clear' })
    }
    return bench
  }

  it('gets a new socket for one that is stuck, as soon as nothing is lost there for a while', () => {
    const bench = new Bench().open().feed({ type: 'slow', slow: true })
    const first = bench.link.socket
    clearFor(bench, STALLED_MS - 1)
    expect([bench.phase, bench.link.socket]).toEqual(['open', first])
    clearFor(bench, 1).tick()
    expect(bench.phase).toBe('opening')
    // It began when something was lost again.
    bench.wait(CLEAR_MS + 1)
    const second = bench.link.socket
    expect(second).toBeGreaterThan(first)
    bench.feed({ type: 'clear' })
    clearFor(bench, CLEAR_FOR_MS - 1)
    expect(bench.link.socket).toBe(second)
    expect(clearFor(bench, 1).link.socket).toBe(second + 1)
    const heard = new Bench().open().feed({ type: 'slow', slow: true }).wait(STALLED_MS).hear({ type: 'pong', id: 99, now: 0 })
    expect(clearFor(heard, CLEAR_FOR_MS + 1_000).phase).toBe('open')
  })

  it('keeps its socket where one report alone says that nothing is lost', () => {
    const bench = new Bench().open().feed({ type: 'slow', slow: true })
    for (let time = 0; time < 3; time += 1) {
      bench.now += CLEAR_MS + 1
      bench.feed({ type: 'clear' })
    }
    expect(bench.phase).toBe('open')
  })

  it('leaves an attempt that began when nothing was lost any more as long as its network takes', () => {
    const bench = clearFor(new Bench().open().feed({ type: 'slow', slow: true }), STALLED_MS).tick()
    expect(bench.phase).toBe('opening')
    const begun = bench.link.socket
    clearFor(bench, SLOW_MS - 1_000)
    expect([bench.phase, bench.link.socket]).toEqual(['opening', begun])
  })

  it('is as any other once it bears a picture again', () => {
    const bench = new Bench().open().feed({ type: 'slow', slow: true }).feed({ type: 'slow', slow: false })
    bench.hear({ type: 'done', id: 99 }).wait(PING_MS)
    expect(bench.wait(DEAD_MS - PING_MS).phase).not.toBe('open')
  })
})

describe('media that comes again', () => {
  const rtt = (bench: Bench, ms: number): Bench => {
    const id = bench.wait(PING_MS).said.find((one) => one.type === 'ping')?.id ?? 0
    bench.now += ms
    return bench.hear({ type: 'pong', id, now: 0 })
  }

  it('asks a socket that looks open, and takes a new one within twice a round trip', () => {
    const bench = rtt(new Bench().open(), 20).feed({ type: 'back' })
    expect(bench.said).toMatchObject([{ type: 'ping' }])
    const first = bench.link.socket
    expect(bench.wait(BACK_MS - 1).phase).toBe('open')
    bench.wait(1).tick()
    expect(bench.phase).toBe('opening')
    expect(bench.link.socket).toBeGreaterThan(first)
  })
  it('does not let whoever lost many young sockets wait for the next one', () => {
    for (const type of ['back', 'nudge'] as const) {
      const bench = new Bench().open()
      for (let time = 0; time < 4; time += 1) bench.wait(1_000).lose().tick().open()
      const wait = bench.wait(1_000).lose().phase
      expect([wait, (deadline(bench.link) ?? 0) - bench.now]).toEqual(['waiting', DELAYS_MS[4]])
      bench.tick().open().wait(1_000).feed({ type })
      expect(bench.phase).toBe('open')
      bench.tick()
      expect(bench.phase, type).toBe('waiting')
      expect(deadline(bench.link), type).toBe(bench.now)
    }
  })
  it('gives a far server longer, and is content with any answer', () => {
    const far = rtt(new Bench().open(), 300).feed({ type: 'back' })
    expect(far.wait(599).phase).toBe('open')
    const answered = rtt(new Bench().open(), 20).feed({ type: 'back' })
    answered.hear({ type: 'pong', id: 99, now: 0 })
    expect(answered.wait(PING_MS - 1).phase).toBe('open')
  })
  it('does not wait for an attempt that began in the hole, nor for the next', () => {
    const bench = rtt(new Bench().open(), 20).lose().tick()
    const first = bench.link.socket
    bench.now += 150
    expect(bench.feed({ type: 'back' }).link.socket).toBe(first + 1)
    expect(bench.phase).toBe('opening')
    bench.lose()
    expect(bench.phase).toBe('waiting')
    expect(bench.feed({ type: 'back' }).phase).toBe('opening')
  })
  it('leaves an attempt that has just begun its time, and no more', () => {
    const bench = rtt(new Bench().open(), 20).lose().tick()
    const first = bench.link.socket
    bench.now += 50
    expect(bench.feed({ type: 'back' }).link.socket).toBe(first)
    bench.wait(STUCK_MS - 51)
    expect([bench.phase, bench.link.socket]).toEqual(['opening', first])
    bench.wait(1).tick()
    expect(bench.phase).toBe('opening')
    expect(bench.link.socket).toBeGreaterThan(first)
  })
})

/** The longest pause between two attempts in a call. */
const longest = (CALL_DELAYS_MS.at(-1) ?? 0) + CALL_JITTER_MS

describe('a call', () => {
  it('is worth an attempt a second, however many sockets died young', () => {
    const bench = new Bench().open().feed({ type: 'calling', calling: true })
    bench.chance = 0.999
    for (let time = 0; time < 9; time += 1) {
      bench.wait(1_000).lose()
      expect((deadline(bench.link) ?? Infinity) - bench.now).toBeLessThanOrEqual(longest)
      bench.tick()
      if (time % 2 === 0) bench.open()
    }
    expect(longest).toBeLessThan(1_000)
  })
  it('that begins while it is waited shortens the waiting, and one that ended does not', () => {
    const bench = new Bench().open()
    for (let time = 0; time < 9; time += 1) bench.lose().tick()
    bench.lose()
    expect((deadline(bench.link) ?? 0) - bench.now).toBe(DELAYS_MS.at(-1))
    bench.feed({ type: 'calling', calling: true })
    expect((deadline(bench.link) ?? 0) - bench.now).toBe(CALL_DELAYS_MS.at(-1))
    bench.feed({ type: 'calling', calling: false }).tick().lose()
    expect((deadline(bench.link) ?? 0) - bench.now).toBe(DELAYS_MS.at(-1))
  })
  it('is tried again at once where a browser broke off the first attempt in another network', () => {
    const bench = new Bench().open().feed({ type: 'calling', calling: true })
    for (let time = 0; time < 5; time += 1) bench.lose().tick()
    bench.lose().feed({ type: 'nudge' }).lose()
    expect((deadline(bench.link) ?? 0) - bench.now).toBe(0)
    bench.tick().lose()
    expect((deadline(bench.link) ?? 0) - bench.now).toBe(CALL_DELAYS_MS[1])
  })
  it('on a very weak network does not fill it with handshakes', () => {
    const bench = new Bench().open().feed({ type: 'calling', calling: true }).feed({ type: 'slow', slow: true })
    for (let time = 0; time < 9; time += 1) bench.lose().tick()
    expect((deadline(bench.lose().link) ?? 0) - bench.now).toBe(DELAYS_MS.at(-1))
  })
})

describe('a network that comes back', () => {
  /** Chance that is the same in each run. */
  const dice = (seed: number) => (): number => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32
    return seed / 2 ** 32
  }
  const WAY_MS = 20

  /** Lives with a network that passes or refuses, or passes nothing, until `until`; answers when the machine was welcomed first. `due`: what is under way. */
  function live(bench: Bench, due: { at: number; input: Input }[], kind: 'whole' | 'told' | 'silent', until: number): number | null {
    let welcomed: number | null = null
    const carry = (): void => {
      for (const effect of bench.effects.splice(0)) {
        const socket = bench.link.socket
        const soon = (input: Input, ms = WAY_MS): unknown => due.push({ at: bench.now + ms, input })
        if (effect.do === 'connect' && kind === 'whole') soon({ type: 'opened', socket, token: 't' }, 3 * WAY_MS)
        if (effect.do === 'connect' && kind === 'told') soon({ type: 'lost', socket }, 1)
        if (effect.do !== 'send') continue
        if (kind === 'told') soon({ type: 'lost', socket }, 1)
        if (kind === 'whole' && effect.message.type === 'hello') soon({ type: 'message', socket, message: { type: 'welcome', resume: 'seat', resumed: true, now: 0, rooms: [] } })
        if (kind === 'whole' && effect.message.type === 'ping') soon({ type: 'message', socket, message: { type: 'pong', id: effect.message.id, now: 0 } })
      }
    }
    carry()
    for (;;) {
      const first = due.reduce<(typeof due)[number] | null>((all, one) => (all === null || one.at < all.at ? one : all), null)
      const at = Math.min(first?.at ?? Infinity, deadline(bench.link) ?? Infinity)
      if (at > until) break
      bench.now = Math.max(bench.now, at)
      if (first !== null && first.at <= at) {
        due.splice(due.indexOf(first), 1)
        bench.feed(first.input)
      } else bench.feed({ type: 'tick' })
      if (bench.effects.some((one) => one.do === 'deliver' && one.message.type === 'welcome')) welcomed ??= bench.now
      carry()
    }
    bench.now = until
    return welcomed
  }

  it('at whatever moment has its socket again at once when media says so, and within a second where attempts were refused and nobody does', () => {
    for (let seed = 0; seed < 3_000; seed += 1) {
      const chance = dice(seed)
      const bench = new Bench().open().feed({ type: 'calling', calling: true })
      const due: { at: number; input: Input }[] = []
      live(bench, due, 'whole', bench.now + 6_000 * chance())
      // Holes before, after each of which a socket lived long or short.
      const kind = chance() < 0.5 ? 'told' : 'silent'
      for (let hole = Math.floor(8 * chance()); hole >= 0; hole -= 1) {
        bench.chance = chance()
        live(bench, due, kind, bench.now + 200)
        if (chance() < 0.8) bench.feed({ type: 'doubt' })
        live(bench, due, kind, bench.now + 4_000 * chance())
        if (hole > 0) live(bench, due, 'whole', bench.now + 6_000 * chance())
      }
      const isSaid = chance() < 0.7
      const back = bench.now
      if (isSaid) bench.feed({ type: 'back' })
      const welcomed = live(bench, due, 'whole', back + 30_000)
      const phase = bench.phase
      expect(phase, `${seed}`).toBe('open')
      // The socket lived through the hole; or its first packet fell into it, and nobody can know that it was for nothing.
      if (welcomed === null || (!isSaid && kind === 'silent')) continue
      expect(welcomed - back, `${seed}`).toBeLessThanOrEqual((isSaid ? Math.max(BACK_MS, STUCK_MS, YOUNG_MS) : longest) + 6 * WAY_MS)
    }
  })

  it('and goes once more before the attempt that it began is through is tried again within a second', () => {
    for (let losses = 0; losses < 12; losses += 1) {
      const bench = new Bench().open()
      for (let time = 0; time < losses; time += 1) bench.lose().tick()
      bench.lose().feed({ type: 'back' })
      expect(bench.phase).toBe('opening')
      bench.lose()
      expect(deadline(bench.link)).toBe(bench.now)
      bench.tick().lose()
      expect((deadline(bench.link) ?? 0) - bench.now).toBeLessThanOrEqual(1_000)
    }
  })
})

describe('media that is missed', () => {
  it('asks the socket, which went the same way if it does not answer', () => {
    const bench = new Bench().open().feed({ type: 'doubt' })
    expect(bench.said).toMatchObject([{ type: 'ping' }])
    const first = bench.link.socket
    expect(bench.wait(DOUBT_MS - 1).phase).toBe('open')
    bench.wait(1).tick()
    expect(bench.phase).toBe('opening')
    expect(bench.link.socket).toBeGreaterThan(first)
  })
  it('says nothing against a socket that answers, nor of one that is not open or late all the time', () => {
    const answered = new Bench().open().feed({ type: 'doubt' })
    answered.hear({ type: 'pong', id: 99, now: 0 })
    expect(answered.wait(PING_MS - 1).phase).toBe('open')
    const slow = new Bench().open().feed({ type: 'slow', slow: true }).feed({ type: 'doubt' })
    expect([slow.said, slow.wait(PING_MS - 1).phase]).toEqual([[], 'open'])
    const lost = new Bench().open().lose()
    const before = lost.link
    expect(lost.feed({ type: 'doubt' }).link).toEqual(before)
  })
})

describe('greeting', () => {
  it('says hello with the token and is open after the welcome', () => {
    const bench = new Bench()
    bench.feed({ type: 'start' })
    expect(bench.effects).toEqual([{ do: 'connect', socket: 1 }])
    bench.feed({ type: 'opened', socket: 1, token: 'abc' })
    expect(bench.said).toEqual([{ type: 'hello', version: 1, token: 'abc' }])
    bench.hear({ type: 'welcome', resume: 'seat', resumed: false, now: bench.now + 500, rooms: [] })
    expect(bench.phase).toBe('open')
    expect(bench.link.offset).toBe(500)
    expect(bench.effects).toContainEqual({ do: 'remember', resume: 'seat' })
  })

  it('takes up its seats after a reload by the remembered token', () => {
    const bench = new Bench('old seat').feed({ type: 'start' }).feed({ type: 'opened', socket: 1, token: 'abc' })
    expect(bench.said[0]).toMatchObject({ resume: 'old seat' })
  })

  it('ends when nobody is signed in', () => {
    const bench = new Bench().feed({ type: 'start' }).feed({ type: 'opened', socket: 1, token: null })
    expect(bench.link.phase).toMatchObject({ name: 'closed', problem: { code: 'auth.required' } })
  })

  it('gives up a socket that does not open, and one that is not welcomed', () => {
    const silent = new Bench().feed({ type: 'start' }).wait(OPEN_MS)
    expect(silent.phase).toBe('waiting')
    const mute = new Bench().feed({ type: 'start' }).feed({ type: 'opened', socket: 1, token: 't' }).wait(OPEN_MS)
    expect(mute.phase).toBe('waiting')
  })

  it('does not hear an old socket', () => {
    const bench = new Bench().open().lose().tick()
    const before = bench.link
    bench.feed({ type: 'opened', socket: 1, token: 't' }).feed({ type: 'lost', socket: 1 })
    bench.feed({ type: 'message', socket: 1, message: { type: 'pong', id: 1, now: 1 } })
    expect(bench.link).toEqual(before)
  })
})

describe('heartbeat', () => {
  it('pings every five seconds', () => {
    const bench = new Bench().open().wait(PING_MS)
    expect(bench.said).toEqual([{ type: 'ping', id: 1 }])
    bench.hear({ type: 'pong', id: 1, now: bench.now }).tick()
    expect(bench.said).toEqual([{ type: 'ping', id: 2 }])
  })

  it('is dead after ten seconds without any message', () => {
    const bench = new Bench().open().wait(PING_MS).wait(DEAD_MS - PING_MS)
    expect(bench.phase).toBe('waiting')
    expect(bench.effects[0]).toEqual({ do: 'close' })
  })

  it('lives on any message, not only on pongs', () => {
    const bench = new Bench().open().wait(DEAD_MS - 1).hear({ type: 'done', id: 99 }).wait(DEAD_MS - 1)
    expect(bench.phase).toBe('open')
  })

  it('gives a socket that wakes up less time to answer', () => {
    const bench = new Bench().open().feed({ type: 'nudge' })
    expect(bench.said).toMatchObject([{ type: 'ping' }])
    expect(bench.wait(PROBE_MS).phase).toBe('waiting')
    const answered = new Bench().open().feed({ type: 'nudge' })
    answered.hear({ type: 'pong', id: 1, now: 0 })
    expect(answered.wait(PROBE_MS).phase).toBe('open')
  })

  it('knows at once that a page that slept for long has lost its socket', () => {
    const bench = new Bench().open()
    bench.now += 60_000
    expect(bench.feed({ type: 'nudge' }).phase).toBe('waiting')
  })

  it('asks for a fresh token before the old one ends, and says it', () => {
    const bench = new Bench().open()
    bench.now += RENEW_MS
    if (bench.link.phase.name === 'open') bench.link.phase.deadAt = bench.now + DEAD_MS
    bench.feed({ type: 'tick' })
    expect(bench.effects).toContainEqual({ do: 'renew' })
    bench.feed({ type: 'token', token: 'fresh' })
    expect(bench.said).toMatchObject([{ type: 'renew', token: 'fresh' }])
  })
})

describe('reconnection', () => {
  it('tries at once, then later and later, with jitter from the second time on', () => {
    const bench = new Bench().open()
    bench.chance = 0.5
    bench.lose()
    const waits: number[] = []
    for (let attempt = 0; attempt < 8; attempt += 1) {
      waits.push((deadline(bench.link) ?? 0) - bench.now)
      bench.tick().lose()
    }
    expect(waits).toEqual([...DELAYS_MS.map((ms, index) => ms + (index > 0 ? JITTER_MS / 2 : 0)), 7500, 7500])
  })

  it('starts the delays anew after a steady socket, not after one that flaps', () => {
    const bench = new Bench().open().lose().tick().lose().tick()
    bench.open().lose()
    expect(bench.link.phase).toMatchObject({ attempt: 3 })
    bench.tick().open()
    bench.now += 6_000
    bench.lose()
    expect(bench.link.phase).toMatchObject({ attempt: 1 })
  })

  it('counts the seconds from the first loss', () => {
    const bench = new Bench().open()
    const lost = bench.now
    bench.lose().tick().lose()
    bench.now += 400
    bench.tick()
    expect(bench.link.phase).toMatchObject({ since: lost })
  })

  it.each(['nudge'] as const)('does not wait when the network comes back (%s)', (type) => {
    const bench = new Bench().open().lose().tick().lose()
    expect(bench.phase).toBe('waiting')
    bench.feed({ type })
    expect(bench.phase).toBe('opening')
  })

  it('does not wait for an attempt that began while there was no network, but for one that has just begun', () => {
    const bench = new Bench().open().lose().tick()
    const first = bench.link.socket
    bench.now += STUCK_MS - 1
    expect(bench.feed({ type: 'nudge' }).link.socket).toBe(first)
    bench.now += 1
    expect(bench.feed({ type: 'nudge' }).link.socket).toBe(first + 1)
    expect(bench.phase).toBe('opening')
  })

  it('subscribes again from the last seq, and watches again', () => {
    const bench = new Bench().open()
    bench.feed({ type: 'subscribe', topic: 'clinic:a', since: 7 }).feed({ type: 'watch', ticket: 't' })
    bench.hear({ type: 'event', topic: 'clinic:a', seq: 8, at: 0, kind: 'ticket.called', data: {} })
    bench.lose().tick().open()
    expect(bench.said).toMatchObject([{ type: 'subscribe', topic: 'clinic:a', since: 8 }, { type: 'watch', ticket: 't' }])
  })

  it('forgets what was unsubscribed or unwatched while it was down', () => {
    const bench = new Bench().open().feed({ type: 'subscribe', topic: 'a', since: null }).feed({ type: 'watch', ticket: 't' })
    bench.lose().feed({ type: 'unsubscribe', topic: 'a' }).feed({ type: 'unwatch', ticket: 't' }).tick().open()
    expect(bench.said).toEqual([])
  })

  it('spreads out even the first attempt when the server restarts', () => {
    const bench = new Bench().open()
    bench.chance = 0.25
    bench.hear({ type: 'bye', problem: { code: 'server.shutting_down', message: '' } })
    expect((deadline(bench.link) ?? 0) - bench.now).toBe(250)
  })

  it('knocks all the time at a server that said that it restarts, and for a minute only', () => {
    const bench = new Bench().open()
    bench.chance = 0.5
    bench.hear({ type: 'bye', problem: { code: 'server.shutting_down', message: '' } })
    const began = bench.now
    const waits: number[] = []
    while (bench.now - began < RESTART_MS + 10_000) {
      bench.tick().lose()
      waits.push((deadline(bench.link) ?? 0) - bench.now)
    }
    expect(Math.max(...waits.slice(0, 60))).toBeLessThanOrEqual(2 * KNOCK_MS)
    expect(waits.at(-1)).toBeGreaterThan(2 * KNOCK_MS)
  })
})

describe('being turned away', () => {
  it.each(['live.replaced', 'live.version_unsupported', 'live.malformed', 'auth.forbidden'])('does not come back after %s', (code) => {
    const bench = new Bench().open().hear({ type: 'bye', problem: { code, message: '' } })
    expect(bench.link.phase).toMatchObject({ name: 'closed', problem: { code } })
    expect(deadline(bench.link)).toBeNull()
    expect(bench.effects).toContainEqual({ do: 'close' })
  })

  /** Says hello with this token, and is refused. */
  function refused(bench: Bench, token: string): Bench {
    bench.feed({ type: 'nudge' }).feed({ type: 'opened', socket: bench.link.socket, token })
    return bench.hear({ type: 'refused', id: null, problem: { code: 'auth.required', message: '' } })
  }

  it('exchanges an old token and tries again, but not for ever', () => {
    const bench = new Bench().feed({ type: 'start' })
    for (const token of ['old', 'new']) {
      refused(bench, token)
      expect(bench.effects).toContainEqual({ do: 'renew' })
      expect(bench.phase).toBe('waiting')
    }
    expect(refused(bench, 'newest').phase).toBe('closed')
  })

  it('goes on for as long as the token cannot be exchanged, for then nobody was asked whether the session stands', () => {
    const bench = new Bench().feed({ type: 'start' }).feed({ type: 'opened', socket: 1, token: 'old' })
    bench.hear({ type: 'welcome', resume: 'seat', resumed: false, now: 0, rooms: [] }).wait(RENEW_MS)
    bench.hear({ type: 'bye', problem: { code: 'auth.required', message: '' } })
    for (let round = 0; round < 200; round += 1) {
      expect(refused(bench, 'old').phase).toBe('waiting')
      expect(bench.effects).toContainEqual({ do: 'renew' })
      bench.wait(10_000)
    }
    bench.feed({ type: 'nudge' }).feed({ type: 'opened', socket: bench.link.socket, token: 'new' })
    expect(bench.said.at(-1)).toMatchObject({ type: 'hello', token: 'new', resume: 'seat' })
  })

  it('can be started again by a person', () => {
    const bench = new Bench().open().hear({ type: 'bye', problem: { code: 'live.replaced', message: '' } }).feed({ type: 'start' })
    expect(bench.phase).toBe('opening')
  })

  it('ends when the session ended', () => {
    const bench = new Bench().open().feed(join).feed({ type: 'signed_out' })
    expect(bench.phase).toBe('closed')
    expect(bench.settled(5)).toBe('auth.required')
  })

  it('takes nothing of a session that ended up again: the next one greets as somebody new, and asks for all that is followed', () => {
    for (const type of ['stop', 'signed_out'] as const) {
      const bench = new Bench().open().feed({ type: 'watch', ticket: 't' }).feed({ type })
      expect(bench.effects).toContainEqual({ do: 'remember', resume: null })
      bench.feed({ type: 'start' }).feed({ type: 'opened', socket: bench.link.socket, token: 'another' })
      expect(bench.said).toEqual([{ type: 'hello', version: 1, token: 'another' }])
      bench.hear({ type: 'welcome', resume: 'new seat', resumed: false, now: bench.now, rooms: [] })
      expect(bench.said).toContainEqual(expect.objectContaining({ type: 'watch', ticket: 't' }))
    }
  })
})

describe('commands', () => {
  it('have an id and one answer', () => {
    const bench = new Bench().open().feed(join)
    expect(bench.said).toEqual([{ type: 'join', grant: 'g', id: 1 }])
    expect(bench.hear({ type: 'done', id: 1 }).settled(5)).toBeNull()
    expect(bench.hear({ type: 'done', id: 1 }).effects).toEqual([])
  })

  it('are refused with the code of the server', () => {
    const bench = new Bench().open().feed(join).hear({ type: 'refused', id: 1, problem: { code: 'room.full', message: '' } })
    expect(bench.settled(5)).toBe('room.full')
  })

  it('that must be said now are refused while the socket is down, and when their answer is lost', () => {
    expect(new Bench().open().lose().feed(join).settled(5)).toBe('live.lost')
    expect(new Bench().open().feed(join).lose().settled(5)).toBe('live.lost')
  })

  it('that may wait are said after the welcome, and again when their answer is lost', () => {
    const bench = new Bench().feed(media(false)).open()
    expect(bench.said).toMatchObject([{ type: 'media', id: 1 }])
    bench.lose().tick().open()
    expect(bench.said).toMatchObject([{ type: 'media', id: 2 }])
    expect(bench.hear({ type: 'done', id: 2 }).settled(1)).toBeNull()
  })

  it('that wait are replaced by a newer one of the same key', () => {
    const bench = new Bench().feed(media(false)).feed(media(true))
    expect(bench.settled(1)).toBeNull()
    bench.open()
    expect(bench.said).toMatchObject([{ type: 'media', state: { hidden: true } }])
    expect(bench.said).toHaveLength(1)
  })

  it('that were lost are dropped when a newer one of the same key was lost too', () => {
    const bench = new Bench().open().feed(media(false)).feed(media(true)).lose()
    expect(bench.settled(1)).toBeNull()
    expect(bench.tick().open().said).toHaveLength(1)
  })

  it('are given up after fifteen seconds without an answer', () => {
    const bench = new Bench().open().feed(join)
    bench.wait(9_000).hear({ type: 'pong', id: 1, now: 0 }).wait(6_000)
    expect(bench.settled(5)).toBe('live.no_answer')
  })

  it('are all refused when a person stops the connection', () => {
    const bench = new Bench().feed(media(false)).feed({ type: 'stop' })
    expect(bench.settled(1)).toBe('live.stopped')
    expect(bench.feed(media(true)).settled(2)).toBe('live.stopped')
  })
})

describe('events', () => {
  const happened = (seq: number): ServerMessage => ({ type: 'event', topic: 'a', seq, at: 0, kind: 'k', data: {} })

  it('are delivered once and in order', () => {
    const bench = new Bench().open().feed({ type: 'subscribe', topic: 'a', since: 3 })
    expect(bench.hear(happened(4)).effects).toMatchObject([{ do: 'deliver' }])
    expect(bench.hear(happened(4)).effects).toEqual([])
    expect(bench.hear(happened(3)).effects).toEqual([])
  })

  it('with a gap are asked for again from the last one', () => {
    const bench = new Bench().open().feed({ type: 'subscribe', topic: 'a', since: 3 }).hear(happened(6))
    expect(bench.said).toMatchObject([{ type: 'subscribe', topic: 'a', since: 3 }])
    expect(bench.hear(happened(4)).effects).toMatchObject([{ do: 'deliver' }])
  })

  it('that were too many to be told again are passed over at once', () => {
    const bench = new Bench().open().feed({ type: 'subscribe', topic: 'a', since: 3 })
    const skipped: ServerMessage = { type: 'event', topic: 'a', seq: 2000, at: 0, kind: 'topic.skipped', data: {} }
    expect(bench.hear(skipped).effects).toMatchObject([{ do: 'deliver' }])
    expect(bench.hear(happened(2001)).effects).toMatchObject([{ do: 'deliver' }])
  })

  it('are taken from anywhere when the start was not known', () => {
    const bench = new Bench().open().feed({ type: 'subscribe', topic: 'a', since: null })
    expect(bench.hear(happened(60)).effects).toMatchObject([{ do: 'deliver' }])
    expect(bench.link.topics.get('a')).toBe(60)
  })

  it('that a second listener missed are said again', () => {
    const bench = new Bench().open().feed({ type: 'subscribe', topic: 'a', since: 3 }).hear(happened(4))
    bench.feed({ type: 'subscribe', topic: 'a', since: 3 })
    expect(bench.said).toMatchObject([{ since: 3 }])
    expect(bench.hear(happened(4)).effects).toMatchObject([{ do: 'deliver' }])
  })

  it('of a topic that was refused are not asked for again', () => {
    const bench = new Bench().open().feed({ type: 'subscribe', topic: 'a', since: null })
    bench.hear({ type: 'refused', id: 1, problem: { code: 'auth.forbidden', message: '' } })
    expect(bench.effects).toMatchObject([{ do: 'refused', topic: 'a' }])
    expect(bench.lose().tick().open().said).toEqual([])
  })
})

describe('what the server could not follow', () => {
  const away = (id: number): ServerMessage => ({ type: 'refused', id, problem: { code: 'server.unavailable', message: '' } })
  const subscribed = () => new Bench().open().feed({ type: 'subscribe', topic: 'a', since: 3 })

  it('is asked for again, later each time, on the same socket', () => {
    const bench = subscribed().hear(away(1))
    expect(bench.effects).toEqual([])
    const socket = bench.link.socket
    expect(bench.wait(299).said).toEqual([])
    expect(bench.wait(1).said).toEqual([{ type: 'subscribe', topic: 'a', since: 3, id: 2 }])
    bench.hear(away(2))
    expect(bench.wait(1199).said).toEqual([])
    expect(bench.wait(1).said).toMatchObject([{ type: 'subscribe', id: 3 }])
    expect(bench.hear({ type: 'done', id: 3 }).link.unheard.size).toBe(0)
    expect(bench.link.socket).toBe(socket)
  })
  it('is said to be missing until it is followed', () => {
    const bench = subscribed()
    expect(missingSince(bench.link)).toBeNull()
    const lost = bench.now
    bench.hear(away(1))
    expect(missingSince(bench.link)).toBe(lost)
    bench.wait(300).hear(away(2))
    expect(missingSince(bench.link)).toBe(lost)
    bench.wait(1200).hear({ type: 'done', id: 3 })
    expect(missingSince(bench.link)).toBeNull()
  })
  it('is asked for after what was heard meanwhile', () => {
    const bench = subscribed().hear({ type: 'event', topic: 'a', seq: 4, at: 0, kind: 'k', data: {} }).hear(away(1)).wait(300)
    expect(bench.said).toMatchObject([{ type: 'subscribe', topic: 'a', since: 4 }])
  })
  it('is a ticket too', () => {
    const bench = new Bench().open().feed({ type: 'watch', ticket: 't' }).hear(away(1)).wait(300)
    expect(bench.said).toEqual([{ type: 'watch', ticket: 't', id: 2 }])
    expect(missingSince(bench.link)).not.toBeNull()
  })
  it('is asked for again when no answer came at all', () => {
    const bench = subscribed()
    bench.wait(9_000).hear({ type: 'pong', id: 2, now: 0 }).wait(6_000)
    expect(missingSince(bench.link)).toBe(bench.now)
    expect(bench.wait(300).said).toMatchObject([{ type: 'subscribe', topic: 'a' }])
  })
  it('is not asked for twice at a time, and wants its tick in time', () => {
    const bench = subscribed().hear(away(1))
    expect(deadline(bench.link)).toBe(bench.now + 300)
    expect(bench.tick().said).toHaveLength(1)
    expect(bench.wait(100).said).toEqual([])
    expect(deadline(bench.link)).toBeGreaterThan(bench.now)
  })
  it('is said with everything else on a new socket', () => {
    const bench = subscribed().hear(away(1)).lose().tick().open()
    expect(bench.said).toMatchObject([{ type: 'subscribe', topic: 'a' }])
    expect(missingSince(bench.link)).toBeNull()
    expect(bench.wait(300).said).toEqual([])
  })
  it('is forgotten when nobody wants it any more', () => {
    const topic = subscribed().hear(away(1)).feed({ type: 'unsubscribe', topic: 'a' })
    expect([missingSince(topic.link), topic.wait(300).said]).toEqual([null, []])
    const ticket = new Bench().open().feed({ type: 'watch', ticket: 't' }).hear(away(1)).feed({ type: 'unwatch', ticket: 't' })
    expect([missingSince(ticket.link), ticket.wait(300).said]).toEqual([null, []])
    const late = subscribed().feed({ type: 'unsubscribe', topic: 'a' }).hear(away(1))
    expect(missingSince(late.link)).toBeNull()
  })
  it.each(['request.not_found', 'request.invalid', 'auth.forbidden', 'auth.required'])('is given up for %s alone', (code) => {
    const refused = (id: number): ServerMessage => ({ type: 'refused', id, problem: { code, message: '' } })
    const bench = subscribed().feed({ type: 'watch', ticket: 't' }).hear(refused(1))
    expect(bench.effects).toMatchObject([{ do: 'refused', topic: 'a', problem: { code } }])
    expect(bench.hear(refused(2)).effects).toMatchObject([{ do: 'refused', topic: 'ticket:t' }])
    expect([missingSince(bench.link), bench.lose().tick().open().said]).toEqual([null, []])
  })
})
