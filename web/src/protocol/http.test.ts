import { afterEach, describe, expect, it, vi } from 'vitest'
import { ApiError, Http } from './http'

function server(...answers: (Response | Error)[]) {
  const calls: { url: string; init: RequestInit }[] = []
  const fetch = vi.fn(async (url: unknown, init: unknown) => {
    calls.push({ url: String(url), init: init as RequestInit })
    const answer = answers.shift() ?? new Response('{}')
    if (answer instanceof Error) throw answer
    return answer
  })
  return { fetch: fetch as unknown as typeof globalThis.fetch, calls }
}
/** `begun` comes, and then the line is cut. */
function cut(begun: string, status = 200): Response {
  let isBegun = false
  const stream = new ReadableStream<Uint8Array>({
    pull(end) {
      if (isBegun) end.error(new TypeError('cut'))
      else end.enqueue(new TextEncoder().encode(begun))
      isBegun = true
    },
  })
  return new Response(stream, { status })
}
const header = (init: RequestInit, name: string) => new Headers(init.headers).get(name)

describe('the API client', () => {
  it('sends the token and a key with a command, and no key with a question', async () => {
    const { fetch, calls } = server()
    const http = new Http({ fetch, token: () => 'abc', newKey: () => 'k1' })
    await http.post('/tickets', { a: 1 })
    await http.get('/tickets', { query: { clinic: 'fever', after: undefined } })
    expect(calls[0]?.url).toBe('/api/v1/tickets')
    expect(header(calls[0]!.init, 'Authorization')).toBe('Bearer abc')
    expect(header(calls[0]!.init, 'Idempotency-Key')).toBe('k1')
    expect(calls[0]?.init.body).toBe('{"a":1}')
    expect(calls[1]?.url).toBe('/api/v1/tickets?clinic=fever')
    expect(header(calls[1]!.init, 'Idempotency-Key')).toBeNull()
  })

  it('turns a problem body into an error with code, field and details', async () => {
    const body = '{"code":"otp.wrong","message":"wrong code","field":"code","attempts_left":2}'
    const { fetch } = server(new Response(body, { status: 422 }))
    const error = await new Http({ fetch }).post('/x').catch((e: unknown) => e)
    expect(error).toBeInstanceOf(ApiError)
    const refusal = error as ApiError
    expect([refusal.code, refusal.status, refusal.field, refusal.number('attempts_left')]).toEqual(['otp.wrong', 422, 'code', 2])
  })

  it('waits as it is told when it asked too often, and sends the same command again', async () => {
    const busy = (seconds: number) => new Response('{"code":"request.rate_limited"}', { status: 429, headers: { 'Retry-After': `${seconds}` } })
    const pause = vi.fn(async () => {})
    const { fetch, calls } = server(busy(1), busy(2), new Response('{"ok":true}'))
    await expect(new Http({ fetch, pause, newKey: () => 'one' }).post('/x', {})).resolves.toEqual({ ok: true })
    expect(pause.mock.calls).toEqual([[1_000], [2_000]])
    expect(calls.map((c) => header(c.init, 'Idempotency-Key'))).toEqual(['one', 'one', 'one'])
    for (const answers of [[busy(60)], [busy(1), busy(1), busy(1), busy(1)]]) {
      const told = new Http({ fetch: server(...answers).fetch, pause }).get('/x')
      await expect(told, 'a long wait, and one without an end, are told').rejects.toMatchObject({ code: 'request.rate_limited' })
    }
  })

  it('says network when nobody answers', async () => {
    const { fetch } = server(new TypeError('failed to fetch'))
    await expect(new Http({ fetch }).get('/x')).rejects.toMatchObject({ code: 'network' })
  })

  it('says the status when a proxy answers with a page', async () => {
    const { fetch } = server(new Response('<h1>Bad gateway</h1>', { status: 502 }))
    await expect(new Http({ fetch }).get('/x')).rejects.toMatchObject({ code: 'http.502' })
  })

  it('asks for a proof where the server wants one, and repeats the same command under the same key', async () => {
    const wanted = () => new Response('{"code":"auth.proof_needed","message":""}', { status: 403 })
    const prove = vi.fn(async () => true)
    const { fetch, calls } = server(wanted(), new Response('{"code":"auth.expired"}', { status: 401 }), new Response('{"ok":true}'))
    const http = new Http({ fetch, prove, renew: async () => true, newKey: () => 'one' })
    await expect(http.post('/x', {}), 'the token may have ended while the question stood').resolves.toEqual({ ok: true })
    expect(prove).toHaveBeenCalledTimes(1)
    expect(calls.map((c) => header(c.init, 'Idempotency-Key'))).toEqual(['one', 'one', 'one'])

    const refused = server(wanted())
    const given = new Http({ fetch: refused.fetch, prove: async () => false })
    await expect(given.post('/x'), 'whoever gives up hears why').rejects.toMatchObject({ code: 'auth.proof_needed' })
    const other = server(new Response('{"code":"auth.forbidden"}', { status: 403 }))
    await expect(new Http({ fetch: other.fetch, prove }).post('/x')).rejects.toMatchObject({ code: 'auth.forbidden' })
    expect(prove).toHaveBeenCalledTimes(1)
  })

  it.each(['auth.bad_credentials', 'auth.second_factor', 'auth.second_factor_wrong'])('guesses once where %s is said with a good token', async (code) => {
    const { fetch, calls } = server(new Response(JSON.stringify({ code }), { status: 401 }))
    const renew = vi.fn(async () => true)
    await expect(new Http({ fetch, renew }).post('/auth/prove', {})).rejects.toMatchObject({ code, status: 401 })
    expect([calls.length, renew.mock.calls.length]).toEqual([1, 0])
  })
  it('repeats the same command under the same key after the token was renewed', async () => {
    const { fetch, calls } = server(new Response('{"code":"auth.expired"}', { status: 401 }), new Response('{"ok":true}'))
    const http = new Http({ fetch, renew: async () => true, newKey: () => 'one' })
    await expect(http.post('/x', {})).resolves.toEqual({ ok: true })
    expect(calls.map((c) => header(c.init, 'Idempotency-Key'))).toEqual(['one', 'one'])
  })
})

describe('an answer that does not arrive whole', () => {
  const network = { code: 'network', status: 0, passes: true }

  it.each([
    ['is cut off', () => cut('{"ok"')],
    ['is cut off at its first byte', () => cut('')],
    ['ends in the middle', () => new Response('{"ok":tr')],
    ['is empty', () => new Response('')],
    ['is the page of a portal', () => new Response('<h1>Welcome</h1>')],
    ['is a refusal that is cut off', () => cut('{"code":"upload.off', 409)],
  ])('is the network, where it %s', async (_, answer) => {
    await expect(new Http({ fetch: server(answer()).fetch }).get('/x')).rejects.toMatchObject(network)
    await expect(new Http({ fetch: server(answer()).fetch }).post('/x', {})).rejects.toMatchObject(network)
  })

  it.each([['is cut off', () => cut('%PDF')], ['is empty', () => new Response('')]])('is the network for a file too, where it %s', async (_, answer) => {
    await expect(new Http({ fetch: server(answer()).fetch }).blob('/x')).rejects.toMatchObject(network)
    await expect(new Http({ fetch: server(answer()).fetch }).request('POST', '/x', { as: 'blob' })).rejects.toMatchObject(network)
  })

  it('is one all the same where nothing was expected of it', async () => {
    for (const answer of [new Response(null, { status: 204 }), new Response(''), new Response('{}'), cut('{')]) {
      await expect(new Http({ fetch: server(answer).fetch }).send('/x')).resolves.toBeUndefined()
    }
    await expect(new Http({ fetch: server(new Response('<h1>Welcome</h1>')).fetch }).send('/x')).rejects.toMatchObject(network)
    await expect(new Http({ fetch: server(new Response(null, { status: 204 })).fetch }).post('/x')).resolves.toBeUndefined()
  })

  it('does not guess a password again', async () => {
    const { fetch, calls } = server(cut('{"code":"auth.bad_cre', 401))
    const renew = vi.fn(async () => true)
    await expect(new Http({ fetch, renew }).post('/auth/prove', {})).rejects.toMatchObject(network)
    expect([calls.length, renew.mock.calls.length]).toEqual([1, 0])
  })

  it('is not waited for any longer when it is no longer wanted', async () => {
    const wanted = new AbortController()
    const asked = new Http({ fetch: server(new Response(new ReadableStream())).fetch }).blob('/x', { signal: wanted.signal })
    wanted.abort()
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('a slow line', () => {
  afterEach(() => vi.useRealTimers())
  /** A byte every so often, `count` of them. */
  function drops(count: number, everyMs: number): Response {
    let sent = 0
    const pull = (end: ReadableStreamDefaultController<Uint8Array>): Promise<void> =>
      new Promise((done) => {
        if (sent === count) return (end.close(), done())
        sent += 1
        setTimeout(() => (end.enqueue(new Uint8Array([49])), done()), everyMs)
      })
    return new Response(new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 }))
  }

  it('brings a file that lasts ten minutes', async () => {
    vi.useFakeTimers()
    const { fetch, calls } = server(drops(60, 10_000))
    const asked = new Http({ fetch, timeoutMs: 20_000, stallMs: 20_000 }).blob('/film')
    await vi.advanceTimersByTimeAsync(600_000)
    expect([(await asked).size, calls[0]?.init.signal?.aborted]).toEqual([60, false])
    expect(vi.getTimerCount(), 'nothing of it is left').toBe(0)
  })
  it('is given up when nothing more comes', async () => {
    vi.useFakeTimers()
    const asked = new Http({ fetch: server(drops(2, 30_000)).fetch, timeoutMs: 60_000, stallMs: 20_000 }).get('/x').catch((cause: unknown) => cause)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await asked).toMatchObject({ code: 'network', status: 0 })
  })
  it('is given up when no answer begins', async () => {
    vi.useFakeTimers()
    const fetch = ((_: unknown, init: RequestInit) => new Promise((_done, fail) => init.signal?.addEventListener('abort', () => fail(new DOMException('', 'AbortError'))))) as unknown as typeof globalThis.fetch
    const asked = new Http({ fetch, timeoutMs: 20_000 }).get('/x').catch((cause: unknown) => cause)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await asked).toMatchObject({ code: 'network', status: 0 })
  })
})

describe('what passes by itself', () => {
  it.each([['network', 0], ['http.502', 502], ['server.unavailable', 503], ['request.rate_limited', 429], ['auth.expired', 401]])('is %s', (code, status) => {
    expect(new ApiError(code, status, '').passes).toBe(true)
  })
  it.each([['client.unexpected', 0], ['request.invalid', 422], ['upload.offset', 409], ['auth.forbidden', 403], ['request.not_found', 404], ['auth.bad_credentials', 401]])('is not %s', (code, status) => {
    expect(new ApiError(code, status, '').passes).toBe(false)
  })
})
