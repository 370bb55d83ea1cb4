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
type Fault = 'never arrives' | 'answer cut' | 'answer lost' | 'portal' | 'hangs' | null

/** A server: a spent token that comes again ends the session, unless within its grace. */
function serve() {
  const good = new Map<string, string>()
  /** What was answered to the token before the present one, and when. */
  let last: { spent: string; at: number; answer: Tokens } | null = null
  const server = {
    grace: 0,
    /** What happens on the line, one exchange after the other; then nothing does. */
    faults: [] as Fault[],
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
    const fault = server.faults.shift() ?? null
    if (!server.online || fault === 'never arrives') throw new TypeError('offline')
    if (fault === 'portal') return new Response('{"welcome":"to our hotel"}')
    const { refresh_token: spent } = JSON.parse(String(init.body)) as { refresh_token: string }
    server.exchanges.push(spent)
    server.before()
    if (last?.spent === spent && Date.now() - last.at <= server.grace) return new Response(JSON.stringify(last.answer))
    const owner = good.get(spent)
    if (owner === undefined) {
      if (server.isStern) good.clear()
      return new Response(JSON.stringify({ code: 'auth.session_ended' }), { status: 401 })
    }
    good.delete(spent)
    const [, count = '0'] = spent.split('-')
    const answer = server.signIn(owner, `${owner}-${Number(count) + 1}`)
    last = { spent, at: Date.now(), answer }
    if (fault === 'answer lost') throw new TypeError('offline')
    if (fault === 'answer cut') return new Response(new ReadableStream({ pull: (end) => end.error(new TypeError('cut')) }))
    if (fault === 'hangs') return new Response(new ReadableStream())
    return new Response(JSON.stringify(answer))
  })
  return server
}

let server: ReturnType<typeof serve>
let cupboard: ReturnType<typeof browser>
beforeEach(() => {
  server = serve()
  cupboard = browser()
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

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
    vi.useFakeTimers()
    const one = tab()
    one.signIn(server.signIn('h'))
    server.online = false
    const renewed = one.renew()
    await vi.advanceTimersByTimeAsync(30_000)
    await expect(renewed).resolves.toBe(false)
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

describe('an exchange whose answer is lost', () => {
  const GRACE = 10_000
  beforeEach(() => {
    vi.useFakeTimers()
    server.grace = GRACE
  })
  async function passing<T>(asked: Promise<T>, ms = 60_000): Promise<T> {
    await vi.advanceTimersByTimeAsync(ms)
    return asked
  }

  it.each<Fault>(['answer cut', 'answer lost', 'hangs', 'never arrives', 'portal'])('is asked for again while the server still gives it: %s', async (fault) => {
    const one = tab()
    one.signIn(server.signIn('h'))
    server.faults.push(fault)
    await expect(passing(one.renew())).resolves.toBe(true)
    expect(one.token()).toBe(tokensOf('h', 'h-1').access_token)
    expect(refreshOf(cupboard.kept.get(NAME))).toBe('h-1')
    expect(one.ended).not.toHaveBeenCalled()
  })

  it('leaves everybody signed in who cannot have it again, with the token that is still good', async () => {
    const one = tab()
    one.signIn(server.signIn('h'))
    server.faults.push('answer cut', ...Array.from({ length: 20 }, () => 'never arrives' as const))
    await expect(passing(one.renew())).resolves.toBe(false)
    expect([one.token(), one.subject.value?.kind, one.ended.mock.calls.length]).toEqual([tokensOf('h', 'h-0').access_token, 'holder', 0])
  })

  it('sends nothing after the grace as long as the access token is good: that would end the session', async () => {
    const one = tab()
    one.signIn(server.signIn('h'))
    server.faults.push('answer cut', ...Array.from({ length: 20 }, () => 'never arrives' as const))
    await passing(one.renew(false))
    const { length } = server.exchanges
    server.faults.length = 0
    await expect(passing(one.renew(false))).resolves.toBe(false)
    await expect(passing(tab().renew(false)), 'nor does another tab, or this one after a reload').resolves.toBe(false)
    expect([server.exchanges.length, one.ended.mock.calls.length]).toEqual([length, 0])
    await vi.advanceTimersByTimeAsync(400_000)
    await passing(one.renew(false))
    expect(server.exchanges.length, 'at the end of it there is nothing to lose').toBe(length + 1)
  })

  it('was never sent, and is renewed before the access token ends', async () => {
    const one = tab()
    one.signIn(server.signIn('h'))
    server.online = false
    await passing(one.renew(false))
    server.online = true
    await expect(passing(one.renew(), 0), 'also at once, where the server asks for it').resolves.toBe(true)
    expect(one.token()).toBe(tokensOf('h', 'h-1').access_token)
  })

  it('does not put out who signed in meanwhile', async () => {
    const one = tab()
    one.signIn(server.signIn('h'))
    server.faults.push('answer cut')
    const renewed = one.renew()
    await vi.advanceTimersByTimeAsync(100)
    one.signIn(server.signIn('other'))
    await expect(passing(renewed)).resolves.toBe(true)
    expect(one.subject.value).toMatchObject({ holder: 'other' })
    expect(refreshOf(cupboard.kept.get(NAME))).toBe('other-0')
  })
})
