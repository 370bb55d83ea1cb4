import { randomUUID } from 'node:crypto'
import { FEVER, type Answer, type Person } from './people'

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
  put(path: string, body: Json): Promise<Json> {
    return this.#call('PUT', path, body)
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

export interface Declared {
  /** As the sign-in answered; the client keeps them in its storage. */
  tokens: Json
  patient: string
  declaration: string
}
export interface Arrival extends Declared {
  ticket: string
  no: number
}

/** Takes a person from the link to the waiting room as the screens do, without the screens. */
export async function arrive(
  server: { baseURL: string; link: string },
  person: Person,
  answers: Readonly<Record<string, Answer>> = FEVER,
): Promise<Arrival> {
  const declared = await declare(server, person, answers)
  const holder = new Api(server.baseURL, String(declared.tokens['access_token']))
  const ticket = await holder.post('/tickets', { declaration: declared.declaration })
  return { ...declared, ticket: String(ticket['id']), no: Number(ticket['no']) }
}

/** The same way up to the submitted declaration: the check before the call comes next. */
export async function declare(
  server: { baseURL: string; link: string },
  person: Person,
  answers: Readonly<Record<string, Answer>> = FEVER,
): Promise<Declared> {
  const { baseURL, link } = server
  const open = new Api(baseURL)
  const sent = await open.post('/auth/code', { link, phone: person.phone })
  const tokens = await open.post('/auth/code/verify', { link, phone: person.phone, challenge: sent['challenge'], code: sent['demo_code'] })
  const holder = new Api(baseURL, String(tokens['access_token']))
  const patient = await holder.post('/patients', {
    name: person.name, document: 'resident_card', number: person.card, relation: 'myself',
  })
  const texts = (await holder.get('/consents')) as unknown as { kind: string; version: string }[]
  for (const { kind, version } of texts) {
    await holder.post(`/patients/${String(patient['id'])}/consents`, { kind, version, granted: true })
  }
  const begun = await holder.post('/declarations', { patient: patient['id'], link })
  const id = String(begun['id'])
  const saved = await holder.patch(`/declarations/${id}`, { version: begun['version'], answers: asked(answers) })
  await holder.post(`/declarations/${id}/submit`, { version: saved['version'] })
  return { tokens, patient: String(patient['id']), declaration: id }
}

/** Without the question that is only asked of women. */
function asked(answers: Readonly<Record<string, Answer>>): Json {
  return Object.fromEntries(Object.entries(answers).filter(([id]) => id !== 'rf.preg'))
}
