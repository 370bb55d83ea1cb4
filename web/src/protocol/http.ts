import { Answer, partsOf } from './answer'

/** A refusal in the server's words: `code` is stable and translated by the client, `field` names the wrong input. */
export class ApiError extends Error {
  readonly code: string
  readonly status: number
  readonly field: string | undefined
  /** Whatever else the refusal says: attempts left, seconds to wait, who holds the lock. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: string, status: number, message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.status = status
    this.field = typeof details['field'] === 'string' ? details['field'] : undefined
    this.details = details
  }

  /** A detail as a number, or `fallback`. */
  number(name: string, fallback = 0): number {
    const value = this.details[name]
    return typeof value === 'number' ? value : fallback
  }

  /** Whether it passes by itself, and the same may be sent again: nothing was wrong with it. The network, a server that is
   *  down or busy, a token that is old. Whoever asks what to try again asks here. */
  get passes(): boolean {
    if (this.status === 401) return !GUESSES.has(this.code)
    return this.code === 'network' || this.status === 429 || this.status >= 500
  }

  static from(cause: unknown): ApiError {
    if (cause instanceof ApiError) return cause
    return new ApiError('client.unexpected', 0, cause instanceof Error ? cause.message : String(cause))
  }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface RequestOptions {
  /** Sent as JSON, or as it is when it is a `Blob`. */
  body?: unknown
  query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** The same key gives the same answer: keep it while one press of one button is retried. */
  key?: string
  signal?: AbortSignal
  headers?: Readonly<Record<string, string>>
  /** The answer is a file, or says no more than that it is done; else it is JSON, and an empty one was lost on the way. */
  as?: 'blob' | 'nothing'
}

export interface HttpOptions {
  base?: string
  /** The access token of the moment, if somebody is signed in. */
  token?: () => string | null
  /** Called once when the server says that the token is no good; a true answer means: there is a fresh one, try again. */
  renew?: () => Promise<boolean>
  /** Called when the server wants to know again who sits there; a true answer means: it was proved, try again. */
  prove?: () => Promise<boolean>
  fetch?: typeof fetch
  /** How long is waited for an answer to begin, and then for more of it: a long answer on a slow line may last. */
  timeoutMs?: number
  stallMs?: number
  newKey?: () => string
  pause?: (ms: number) => Promise<void>
}

/** A small client over `fetch`: token, idempotency key, problem bodies as `ApiError`. No network is the code `network`, and so is
 *  an answer that did not arrive whole: what a command did is then not known. */
export class Http {
  readonly #base: string
  readonly #options: HttpOptions

  constructor(options: HttpOptions = {}) {
    this.#base = options.base ?? '/api/v1'
    this.#options = options
  }

  get<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('GET', path, options)
  }
  post<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('POST', path, { ...options, body })
  }
  /** A command whose answer says nothing that is needed: that there is one is enough. */
  send(path: string, body?: unknown, options: RequestOptions = {}): Promise<void> {
    return this.request<void>('POST', path, { ...options, body, as: 'nothing' })
  }
  put<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('PUT', path, { ...options, body })
  }
  delete<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('DELETE', path, options)
  }

  /** Bytes, such as a picture that may only be read with a token. */
  async blob(path: string, options: RequestOptions = {}): Promise<Blob> {
    return taken<Blob>(await this.#renewed('GET', path, options), 'blob')
  }

  async request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
    const key = options.key ?? (method === 'GET' ? undefined : (this.#options.newKey ?? newKey)())
    const keyed = key === undefined ? options : { ...options, key }
    const answer = await this.#renewed(method, path, keyed)
    if (this.#options.prove && codeOf(answer) === 'auth.proof_needed') {
      if (!(await this.#options.prove())) throw new ApiError('auth.proof_needed', 403, 'nobody proved who sits there')
      return taken<T>(await this.#renewed(method, path, keyed), options.as)
    }
    return taken<T>(answer, options.as)
  }

  /** Sends it, and once more where the token was old and there is a fresh one. A wrong password is no old token. */
  async #renewed(method: Method, path: string, options: RequestOptions): Promise<Answer> {
    const first = await this.#patiently(method, path, options)
    const isOld = first.status === 401 && !GUESSES.has(codeOf(first) ?? '')
    return isOld && this.#options.renew && (await this.#options.renew()) ? await this.#patiently(method, path, options) : first
  }

  /** Sends it; who asked too often, and is to wait for a moment only, waits and asks again: nothing of it was done. */
  async #patiently(method: Method, path: string, options: RequestOptions): Promise<Answer> {
    for (let tries = 0; ; tries += 1) {
      const answer = await this.#send(method, path, options)
      const seconds = answer.status === 429 ? Number(answer.headers.get('Retry-After')) : 0
      if (!(seconds > 0 && seconds <= WAITED_S) || tries >= PATIENCE || options.signal?.aborted) return answer
      await (this.#options.pause ?? pause)(seconds * 1_000)
    }
  }

  async #send(method: Method, path: string, options: RequestOptions): Promise<Answer> {
    const headers = new Headers(options.headers)
    headers.set('Accept', 'application/json')
    const token = this.#options.token?.()
    if (token) headers.set('Authorization', `Bearer ${token}`)
    if (options.key) headers.set('Idempotency-Key', options.key)
    const controller = new AbortController()
    const init: RequestInit = { method, headers, signal: controller.signal }
    if (options.body instanceof Blob) {
      headers.set('Content-Type', options.body.type || 'application/octet-stream')
      init.body = options.body
    } else if (options.body !== undefined) {
      headers.set('Content-Type', 'application/json')
      init.body = JSON.stringify(options.body)
    }
    const leave = (): void => controller.abort()
    // A phone in a lift keeps a dead connection open for minutes.
    const timer = setTimeout(leave, this.#options.timeoutMs ?? LIMIT_MS)
    options.signal?.addEventListener('abort', leave)
    try {
      const response = await (this.#options.fetch ?? fetch)(this.#url(path, options.query), init)
      clearTimeout(timer)
      const parts = await partsOf(response, controller, this.#options.stallMs ?? LIMIT_MS)
      // Cut off it says nothing, a refusal neither; where it is not needed, its head was enough.
      if (parts === null && !(response.ok && options.as === 'nothing')) throw new DOMException('cut off', 'AbortError')
      return new Answer(response, parts ?? [])
    } catch (cause) {
      if (options.signal?.aborted) throw cause
      throw lost()
    } finally {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', leave)
    }
  }

  #url(path: string, query: RequestOptions['query']): string {
    const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined)
    if (pairs.length === 0) return this.#base + path
    return `${this.#base}${path}?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`
  }
}

/** Without a byte for so long the network is gone. */
const LIMIT_MS = 20_000
/** How long is waited without a word, and how often. */
const WAITED_S = 5
const PATIENCE = 3

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}

/** What is refused with 401 though the token is good: whoever repeats it guesses twice. */
const GUESSES: ReadonlySet<string> = new Set(['auth.bad_credentials', 'auth.second_factor', 'auth.second_factor_wrong'])

/** The code of a refusal. */
function codeOf(answer: Answer): string | undefined {
  if (answer.ok) return undefined
  const body = parse(answer.text())
  return isRecord(body) && typeof body['code'] === 'string' ? body['code'] : undefined
}

/** What the answer says. A proxy may end one in the middle as if it were whole, and a portal answer with its own page. */
function taken<T>(answer: Answer, as: RequestOptions['as']): T {
  if (!answer.ok) throw refusalOf(answer)
  if (answer.status === 204 || (as === 'nothing' && answer.isEmpty)) return undefined as T
  const body = as !== 'blob' ? parse(answer.text()) : answer.isEmpty ? undefined : answer.blob()
  if (body === undefined) throw lost()
  return (as === 'nothing' ? undefined : body) as T
}

function lost(): ApiError {
  return new ApiError('network', 0, 'the server could not be reached, or its answer was lost')
}

function refusalOf(answer: Answer): ApiError {
  const body = parse(answer.text())
  const problem = isRecord(body) ? body : {}
  const inner = isRecord(problem['error']) ? problem['error'] : problem
  const code = typeof inner['code'] === 'string' ? inner['code'] : `http.${answer.status}`
  const message = typeof inner['message'] === 'string' ? inner['message'] : answer.said
  return new ApiError(code, answer.status, message, inner)
}

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function newKey(): string {
  // `randomUUID` is missing where the page is not a secure context, such as a phone on the ward's plain-HTTP test server.
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
