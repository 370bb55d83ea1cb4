import { randomUUID } from 'node:crypto'

type Json = Record<string, unknown>

/** The server's REST interface as a program uses it: to set a scene quickly, and to look behind the screens. */
export class Api {
  readonly #base: string
  readonly #token: string | null

  constructor(baseURL: string, token: string | null = null) {
    this.#base = `${baseURL}/api/v1`
    this.#token = token
  }

  static async staff(baseURL: string, account: { username: string; password: string }): Promise<Api> {
    const { username, password } = account
    const tokens = await new Api(baseURL).post('/auth/login', { username, password })
    return new Api(baseURL, String(tokens['access_token']))
  }

  get(path: string): Promise<Json> {
    return this.#call('GET', path)
  }
  post(path: string, body: Json = {}): Promise<Json> {
    return this.#call('POST', path, body)
  }
  patch(path: string, body: Json): Promise<Json> {
    return this.#call('PATCH', path, body)
  }

  async #call(method: string, path: string, body?: Json): Promise<Json> {
    const headers: Record<string, string> = { 'Idempotency-Key': randomUUID() }
    if (body) headers['Content-Type'] = 'application/json'
    if (this.#token) headers['Authorization'] = `Bearer ${this.#token}`
    const answer = await fetch(this.#base + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} → ${answer.status} ${text}`)
    return text ? (JSON.parse(text) as Json) : {}
  }
}
