import { createHash } from 'node:crypto'
import { Api, arrive, type Arrival } from './api'
import { FEVER, invent, type Answer, type Person } from './people'
import { sqlite } from './later'
import type { Server } from './server'

/** Not yet sixty: with nothing but a fever such a person is STANDARD. */
export const young = (word: string): Person => invent(word, '演示患者甲', '19900308')

/** A patient without a screen: waits, answers the call and becomes worse over REST, so that a journey of staff needs no phone. */
export class Voice {
  readonly arrival: Arrival
  readonly #api: Api

  private constructor(arrival: Arrival, api: Api) {
    this.arrival = arrival
    this.#api = api
  }

  static async arrives(server: Server, word: string, more: Readonly<Record<string, Answer>> = {}): Promise<Voice> {
    const arrival = await arrive(server, young(word), { ...FEVER, ...more })
    return new Voice(arrival, new Api(server.baseURL, String(arrival.tokens['access_token'])))
  }

  get no(): number {
    return this.arrival.no
  }
  ticket(): Promise<Record<string, unknown>> {
    return this.#api.get(`/tickets/${this.arrival.ticket}`)
  }
  async accept(): Promise<void> {
    const { version } = await this.ticket()
    await this.#api.post(`/tickets/${this.arrival.ticket}/accept`, { version })
  }
  async feelsWorse(said: Readonly<Record<string, string | number>> = { breathing: 'same', general: 'worse' }): Promise<void> {
    await this.#api.post(`/tickets/${this.arrival.ticket}/retriage`, said)
  }
}

/** Somebody answers yes to a red flag and closes nothing. */
export async function redFlag(server: Server): Promise<void> {
  const open = new Api(server.baseURL)
  const landing = await open.get(`/links/${server.link}`)
  const flags = landing['red_flags'] as { id: string }[]
  await open.post('/red-flags', { link: server.link, yes: [flags[0]?.id] })
}

/** A visit that was led and signed behind the screens: who came, and which visit. */
export async function signedVisit(server: Server, word: string, diagnosis: string): Promise<{ voice: Voice; visit: string }> {
  const voice = await Voice.arrives(server, word)
  const doctor = await Api.staff(server.baseURL, server.account('doctor'))
  const clinics = (await doctor.get('/clinics')) as unknown as { desks: { id: string }[] }[]
  const desk = `/desks/${clinics[0]?.desks[0]?.id ?? ''}`
  await doctor.post(`${desk}/open`)
  await doctor.post(`${desk}/call-next`)
  await voice.accept()
  const { version } = await voice.ticket()
  const { current } = await doctor.post(`${desk}/confirm`, { version })
  const visit = String((current as Record<string, unknown>)['visit'])
  const draft = (await doctor.get(`/visits/${visit}`))['draft'] as { version: number; content: Record<string, unknown> }
  const written = { ...draft.content, complaint: '发热两天', diagnosis, advice: '多饮水，多休息' }
  const saved = await doctor.put(`/visits/${visit}/note`, { version: draft.version, content: written })
  await doctor.post(`/visits/${visit}/outcome`, { outcome: 'home_care' })
  await doctor.post(`/visits/${visit}/sign`, { version: saved['version'] })
  await doctor.post(`/visits/${visit}/end`)
  return { voice, visit }
}

/** A line of the audit log as it was kept yesterday, before anybody else wrote one: with it a day is over that can be sealed. */
export function writtenYesterday(server: Server): void {
  const parts = { previous: '', seq: '1', at: String(Date.now() - 86_400_000), actor: 'operator', action: 'server.start', subject: 'server', purpose: '', detail: '{}' }
  const text = Object.entries(parts).map(([name, value]) => `${name} ${value.length} ${value}\n`).join('')
  const hash = createHash('sha256').update(text).digest('hex')
  const house = `lower(hex(id))`
  const uuid = [[1, 8], [9, 4], [13, 4], [17, 4], [21, 12]].map(([from, length]) => `substr(${house}, ${from}, ${length})`).join(" || '-' || ")
  sqlite(server, `begin immediate;
    insert into topic (topic, head) select 'audit:' || ${uuid}, 1 from institution;
    insert into audit (institution_id, seq, at, actor, action, subject, purpose, detail, previous_hash, hash)
      select id, 1, ${parts.at}, '${parts.actor}', '${parts.action}', '${parts.subject}', null, '${parts.detail}', '', '${hash}' from institution;
    commit;`)
}
