import { describe, expect, it, vi } from 'vitest'
import type { ServerMessage } from '@/protocol/live'
import { createConnection, Refusal, type Connection, type Socket, type Status } from './driver'

class FakeSocket implements Socket {
  said: string[] = []
  closed = false
  onopen: (() => void) | null = null
  onclose: (() => void) | null = null
  onerror: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  send(text: string): void {
    this.said.push(text)
  }
  close(): void {
    this.closed = true
  }
  hear(message: ServerMessage | string): void {
    this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) })
  }
  welcome(): void {
    this.onopen?.()
    this.hear({ type: 'welcome', resume: 'seat', resumed: false, now: 1000, rooms: [] })
  }
}

function bench(renew: (isNeeded: boolean) => Promise<boolean> = () => Promise.resolve(true)) {
  const sockets: FakeSocket[] = []
  const states: Status[] = []
  const timers: { act: () => void; ms: number }[] = []
  const memory: { resume: string | null } = { resume: null }
  const unread = vi.fn()
  const connection: Connection = createConnection({
    makeSocket: () => {
      const socket = new FakeSocket()
      sockets.push(socket)
      return socket
    },
    token: () => 'token',
    renew,
    now: () => 0,
    chance: () => 0,
    setTimer: (act, ms) => timers.push({ act, ms }),
    clearTimer: () => undefined,
    memory: { read: () => memory.resume, write: (resume) => (memory.resume = resume) },
    changed: (status) => states.push(status),
    unread,
  })
  return { connection, sockets, states, timers, memory, unread, last: () => sockets.at(-1)! }
}

describe('the driver', () => {
  it('connects, greets, remembers the seat and knows the server’s clock', () => {
    const { connection, last, states, memory } = bench()
    connection.start()
    last().welcome()
    expect(states.map((one) => one.name)).toEqual(['connecting', 'open'])
    expect(memory.resume).toBe('seat')
    expect(connection.serverNow()).toBe(1000)
  })

  it('turns answers into promises', async () => {
    const { connection, last } = bench()
    connection.start()
    last().welcome()
    const yes = connection.command({ type: 'join', grant: 'g' })
    const no = connection.command({ type: 'leave', room: 'r' })
    last().hear({ type: 'done', id: 1 })
    last().hear({ type: 'refused', id: 2, problem: { code: 'room.closed', message: '' } })
    await expect(yes).resolves.toBeUndefined()
    await expect(no).rejects.toMatchObject({ problem: { code: 'room.closed' } })
    await expect(no).rejects.toBeInstanceOf(Refusal)
  })

  it('gives events to those who asked, and stops asking with the last of them', () => {
    const { connection, last } = bench()
    connection.start()
    last().welcome()
    const first = vi.fn()
    const second = vi.fn()
    const stopFirst = connection.subscribe('a', 1, first)
    const stopSecond = connection.subscribe('a', 1, second)
    last().hear({ type: 'event', topic: 'a', seq: 2, at: 0, kind: 'k', data: {} })
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([1, 1])
    stopFirst()
    expect(last().said.some((text) => text.includes('unsubscribe'))).toBe(false)
    stopSecond()
    expect(last().said.at(-1)).toContain('unsubscribe')
  })

  it('reports what it cannot read, and lives on', () => {
    const { connection, last, unread, states } = bench()
    connection.start()
    last().welcome()
    last().hear('{"type":"dance"}')
    expect(unread).toHaveBeenCalledWith('unknown', 'dance')
    expect(states.at(-1)?.name).toBe('open')
  })

  it('goes on when a listener has a fault', () => {
    const { connection, last, unread } = bench()
    const second = vi.fn()
    connection.listen(() => {
      throw new Error('broken')
    })
    connection.listen(second)
    connection.start()
    last().welcome()
    expect(second).toHaveBeenCalledOnce()
    expect(unread).toHaveBeenCalledWith('fault', 'Error: broken')
  })

  it('says that it reconnects after a loss, and closes the old socket', () => {
    const { connection, sockets, states, timers, last } = bench()
    connection.start()
    last().welcome()
    sockets[0]?.onclose?.()
    expect(states.at(-1)).toEqual({ name: 'reconnecting', since: 0 })
    timers.at(-1)?.act()
    expect(sockets).toHaveLength(2)
    expect(sockets[0]?.closed).toBe(true)
    sockets[1]?.welcome()
    expect(states.at(-1)?.name).toBe('open')
  })

  it('says that it catches up while the server cannot follow a topic, and keeps the socket', () => {
    const { connection, sockets, states, last } = bench()
    connection.start()
    last().welcome()
    connection.subscribe('a', 1, () => undefined)
    last().hear({ type: 'refused', id: 1, problem: { code: 'server.unavailable', message: '' } })
    expect(states.at(-1)).toEqual({ name: 'catching_up', since: 0 })
    last().hear({ type: 'done', id: 1 })
    expect(states.at(-1)?.name).toBe('catching_up')
    connection.subscribe('a', 1, () => undefined)
    last().hear({ type: 'done', id: 2 })
    expect(states.at(-1)).toEqual({ name: 'open' })
    expect(sockets.map((one) => one.closed)).toEqual([false])
  })

  it('says on each socket when events of a topic come from now on, until nobody wants to know', () => {
    const { connection, last } = bench()
    const heard: string[] = []
    const stop = connection.subscribe('a', null, () => undefined, () => void heard.push('a'))
    connection.start()
    for (const count of [1, 2]) {
      last().welcome()
      expect(heard).toHaveLength(count - 1)
      const { id } = JSON.parse(last().said.at(-1) ?? '') as { id: number }
      last().hear({ type: 'done', id })
      expect(heard).toHaveLength(count)
      last().onclose?.()
      connection.nudge()
    }
    stop()
    last().welcome()
    expect(heard).toHaveLength(2)
  })

  it('exchanges the token when it is refused, then tries at once', async () => {
    const renew = vi.fn<(isNeeded: boolean) => Promise<boolean>>(() => Promise.resolve(true))
    const { connection, sockets, last } = bench(renew)
    connection.start()
    last().onopen?.()
    last().hear({ type: 'refused', id: null, problem: { code: 'auth.required', message: '' } })
    await vi.waitFor(() => expect(sockets).toHaveLength(2))
    expect(renew, 'it is no good any more').toHaveBeenCalledExactlyOnceWith(true)
  })

  it('survives a browser that refuses to make a socket', () => {
    const timers: (() => void)[] = []
    const states: Status[] = []
    const connection = createConnection({
      makeSocket: () => {
        throw new Error('offline')
      },
      token: () => 't', renew: () => Promise.resolve(false), now: () => 0, chance: () => 0,
      setTimer: (act) => timers.push(act), clearTimer: () => undefined,
      memory: { read: () => null, write: () => undefined }, changed: (status) => states.push(status),
    })
    connection.start()
    timers[0]?.()
    expect(states.at(-1)).toEqual({ name: 'connecting' })
  })
})
