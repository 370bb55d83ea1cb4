import { describe, expect, it } from 'vitest'
import { deadline, type Input } from './link'
import { BACK_MS, CALL_DELAYS_MS, CALL_JITTER_MS, CLEAR_FOR_MS, CLEAR_MS, DEAD_MS, DELAYS_MS, DOUBT_MS, PING_MS, SLOW_MS, STALLED_MS, STUCK_MS, YOUNG_MS } from './patience'
import { Bench } from './testing'

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
