import { describe, expect, it } from 'vitest'
import type { ServerMessage } from '@/protocol/live'
import { deadline, missingSince, type Input } from './link'
import { Bench, join } from './testing'

const media = (hidden: boolean): Input => ({
  type: 'command', ref: hidden ? 2 : 1, patience: 'queue', key: 'media',
  command: { type: 'media', room: 'r', state: { microphone: true, camera: true, test_picture: false, quality: 'good', hidden, screen: false, rung: 'full' } },
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
