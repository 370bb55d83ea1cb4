import { Api, arrive, type Arrival } from './api'
import { FEVER, invent, type Answer, type Person } from './people'
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
  async feelsWorse(): Promise<void> {
    await this.#api.post(`/tickets/${this.arrival.ticket}/retriage`, { breathing: 'same', general: 'worse' })
  }
}

/** Somebody answers yes to a red flag and closes nothing. */
export async function redFlag(server: Server): Promise<void> {
  const open = new Api(server.baseURL)
  const landing = await open.get(`/links/${server.link}`)
  const flags = landing['red_flags'] as { id: string }[]
  await open.post('/red-flags', { link: server.link, yes: [flags[0]?.id] })
}
