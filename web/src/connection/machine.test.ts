import { describe, expect, it } from 'vitest'
import { deadline } from './link'
import { DEAD_MS, DELAYS_MS, JITTER_MS, KNOCK_MS, OPEN_MS, PING_MS, PROBE_MS, RENEW_MS, RESTART_MS, STUCK_MS } from './patience'
import { Bench, join } from './testing'

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
