import { shallowRef } from 'vue'
import { describe, expect, it, vi } from 'vitest'
import type { Status } from '@/connection/driver'
import { ApiError, type Http } from '@/protocol/http'
import type { TicketView } from '@/protocol/types'
import type { Live } from '../live'
import { followTicket, linkOf } from './feed'

const ticket = (version: number) => ({ id: 't', version }) as TicketView

function bench(get: () => Promise<TicketView>) {
  const status = shallowRef<Status>({ name: 'open' })
  let push: (ticket: TicketView) => void = () => undefined
  const stopped = vi.fn()
  const live = { status, watch: (_: string, hear: (t: TicketView) => void) => ((push = hear), stopped) } as unknown as Live
  const told: number[] = []
  const feed = followTicket(live, { get } as unknown as Http, 't', (t) => told.push(t.version))
  const settle = async () => {
    for (let round = 0; round < 10; round += 1) await Promise.resolve()
  }
  return { status, push: (t: TicketView) => push(t), told, feed, settle, stopped }
}

describe('the feed of a ticket', () => {
  it('tells what the socket pushes and what the server answers', async () => {
    const { push, told, feed, settle, stopped } = bench(async () => ticket(1))
    await settle()
    push(ticket(2))
    expect(told).toEqual([1, 2])
    feed.stop()
    expect(stopped).toHaveBeenCalledOnce()
  })

  it('asks again as soon as the socket is back', async () => {
    const get = vi.fn(async () => ticket(1))
    const { status, settle, feed } = bench(get)
    await settle()
    status.value = { name: 'reconnecting', since: 7 }
    await settle()
    expect(feed.link.value).toEqual({ state: 'reconnecting', since: 7 })
    status.value = { name: 'open' }
    await settle()
    expect(get).toHaveBeenCalledTimes(3)
    expect(feed.link.value.state).toBe('online')
    feed.stop()
  })

  it('asks once more for whoever asked meanwhile: the answer under way may be older than what they heard of', async () => {
    const answers: ((ticket: TicketView) => void)[] = []
    const { told, feed, settle } = bench(() => new Promise((resolve) => answers.push(resolve)))
    feed.refresh()
    answers[0]?.(ticket(1))
    await settle()
    answers[1]?.(ticket(2))
    await settle()
    expect(told).toEqual([1, 2])
    feed.stop()
  })

  it('never shows old data as live when nobody answers', async () => {
    const { settle, feed } = bench(async () => Promise.reject(new ApiError('network', 0, '')))
    await settle()
    expect(feed.link.value.state).toBe('reconnecting')
    feed.stop()
  })

  it('is not live while the socket is there but nothing of the ticket is pushed', async () => {
    const get = vi.fn(async () => ticket(1))
    const { status, settle, feed } = bench(get)
    status.value = { name: 'catching_up', since: 7 }
    await settle()
    expect(feed.link.value).toEqual({ state: 'reconnecting', since: 7 })
    feed.stop()
  })

  it('says that another window took over', () => {
    expect(linkOf({ name: 'closed', problem: { code: 'live.replaced', message: '' } }, null)).toEqual({ state: 'replaced' })
  })
})
