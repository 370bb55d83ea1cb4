import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Tokens } from '@/protocol/types'
import { createSession, type Cupboard } from './session'

const NAME = 'yunzhen.patient.demo'

function tokensOf(owner: string, refresh: string): Tokens {
  const said = btoa(JSON.stringify({ sub: owner, sid: 's' }))
  const subject = { kind: 'holder', holder: owner, institution: 'i', phone_tail: '0000' } as const
  return { access_token: `head.${said}.${refresh}`, refresh_token: refresh, expires_in: 600, subject }
}
/** What all tabs of one browser share. */
function browser(): Cupboard & { kept: Map<string, string>; full: boolean } {
  const kept = new Map<string, string>()
  return {
    kept,
    full: false,
    getItem: (key) => kept.get(key) ?? null,
    setItem(key, value) {
      if (this.full) throw new DOMException('', 'QuotaExceededError')
      kept.set(key, value)
    },
    removeItem: (key) => void kept.delete(key),
  }
}
/** A server without any grace: a spent token that comes again ends the session. */
function serve() {
  const good = new Map<string, string>()
  const server = {
    good,
    online: true,
    isStern: true,
    exchanges: [] as string[],
    before: (): void => undefined,
    signIn(owner: string, refresh = `${owner}-0`): Tokens {
      good.set(refresh, owner)
      return tokensOf(owner, refresh)
    },
  }
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    if (!server.online) throw new TypeError('offline')
    const { refresh_token: spent } = JSON.parse(String(init.body)) as { refresh_token: string }
    server.exchanges.push(spent)
    server.before()
    const owner = good.get(spent)
    if (owner === undefined) {
      if (server.isStern) good.clear()
      return new Response(JSON.stringify({ code: 'auth.session_ended' }), { status: 401 })
    }
    good.delete(spent)
    const [, count = '0'] = spent.split('-')
    return new Response(JSON.stringify(server.signIn(owner, `${owner}-${Number(count) + 1}`)))
  })
  return server
}

let server: ReturnType<typeof serve>
let cupboard: ReturnType<typeof browser>
beforeEach(() => {
  server = serve()
  cupboard = browser()
})
afterEach(() => vi.unstubAllGlobals())

function tab() {
  const ended = vi.fn()
  return { ...createSession(cupboard, NAME, ended), ended }
}
const refreshOf = (text: string | undefined) => (JSON.parse(text ?? '{}') as Partial<Tokens>).refresh_token

describe('two tabs of one person', () => {
  it('renew in turns from what the other one left, however long ago', async () => {
    tab().signIn(server.signIn('h'))
    const [one, two] = [tab(), tab()]
    for (const each of [one, one, two, one, two, two, one]) await expect(each.renew()).resolves.toBe(true)
    expect(server.exchanges).toEqual(['h-0', 'h-1', 'h-2', 'h-3', 'h-4', 'h-5', 'h-6'])
    expect([one.ended, two.ended].flatMap((each) => each.mock.calls)).toEqual([])
  })

  it('look once more before they give the session up: the other one may have been quicker', async () => {
    tab().signIn(server.signIn('h'))
    const late = tab()
    server.before = () => {
      server.before = () => undefined
      server.good.delete('h-0')
      cupboard.setItem(NAME, JSON.stringify(server.signIn('h', 'h-1')))
    }
    server.isStern = false
    await expect(late.renew()).resolves.toBe(true)
    expect(late.token()).toBe(tokensOf('h', 'h-1').access_token)
    expect(late.ended).not.toHaveBeenCalled()
  })

  it('are both told when the session is over, once each', async () => {
    tab().signIn(server.signIn('h'))
    const [one, two] = [tab(), tab()]
    server.good.clear()
    await Promise.all([one.renew(), one.renew()])
    await two.renew()
    expect([one.ended.mock.calls.length, two.ended.mock.calls.length]).toEqual([1, 1])
    expect([one.subject.value, two.subject.value, cupboard.kept.size]).toEqual([null, null, 0])
  })

  it('give nothing up without a network', async () => {
    const one = tab()
    one.signIn(server.signIn('h'))
    server.online = false
    await expect(one.renew()).resolves.toBe(false)
    expect([one.subject.value?.kind, one.ended.mock.calls.length]).toEqual(['holder', 0])
  })
})

describe('two people at one browser', () => {
  it('keep their own sign-in: neither renews with the tokens of the other, nor writes over them', async () => {
    const first = tab()
    first.signIn(server.signIn('h'))
    const second = tab()
    second.signIn(server.signIn('other'))
    await expect(first.renew()).resolves.toBe(true)
    expect(first.subject.value).toMatchObject({ holder: 'h' })
    expect(server.exchanges).toEqual(['h-0'])
    expect(refreshOf(cupboard.kept.get(NAME))).toBe('other-0')
  })

  it('sign out alone', () => {
    const first = tab()
    first.signIn(server.signIn('h'))
    tab().signIn(server.signIn('other'))
    first.forget()
    expect(refreshOf(cupboard.kept.get(NAME))).toBe('other-0')
  })
})

describe('storage that is full', () => {
  it('leaves nothing spent behind: the page goes on with what it knows', async () => {
    const one = tab()
    one.signIn(server.signIn('h'))
    cupboard.full = true
    for (let i = 0; i < 3; i += 1) await expect(one.renew()).resolves.toBe(true)
    expect(server.exchanges).toEqual(['h-0', 'h-1', 'h-2'])
    expect(cupboard.kept.size).toBe(0)
  })
})
