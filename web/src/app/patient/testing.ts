// What the tests of the patient's way share: a server of few words, and a socket that only remembers what it was asked.

import { vi } from 'vitest'
import type { TicketView } from '@/protocol/types'

/** What the socket was asked to follow, and is not let go of yet. */
export const watched: string[] = []
/** Stands for `../live` where a test says so by `vi.mock`. */
export const silentLive = {
  liveOf: () => ({
    status: { value: { name: 'open' } },
    watch(id: string) {
      watched.push(id)
      return () => void watched.splice(watched.indexOf(id), 1)
    },
    start: () => undefined,
  }),
}

export const card = { id: 'p1', name_masked: '演**', document_tail: '002X', age_years: 76, sex: 'female', relation: 'myself' }
export const tokens = { access_token: 'a', refresh_token: 'r', expires_in: 600, subject: { kind: 'holder', holder: 'h', institution: 'i', phone_tail: '0000' } }
export const landing = { institution: 'i', clinic: 'c', open: true, demo: true, red_flags: [] }
export const ticket = { id: 't1', version: 1, phase: 'waiting', ahead: 2, as_of: 1, patient: card } as unknown as TicketView

/** The keys by which a red flag was sent. */
export const sentKeys: string[] = []
/** The server answers this from now on: `METHOD /path` → body, or a status and a code. What it was asked. */
export function serve(answers: Record<string, unknown>): string[] {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const name = `${init.method} ${url.replace('/api/v1', '').replace(/\?.*/, '')}`
    asked.push(name)
    if (name === 'POST /red-flags') sentKeys.push(new Headers(init.headers).get('Idempotency-Key') ?? '')
    const answer = answers[name]
    if (answer === undefined) throw new TypeError('offline')
    const refusal = answer as { status?: number }
    return new Response(JSON.stringify(answer), { status: typeof refusal.status === 'number' ? refusal.status : 200 })
  })
  return asked
}
export const known = {
  'GET /links/demo': landing,
  'GET /tickets/current': { ticket: null },
  'GET /patients': [card],
  'GET /consents': [],
  'GET /patients/p1/consents': [],
  'POST /auth/code/verify': tokens,
  'POST /patients': card,
}

/** Nothing was ever kept on this phone. */
export function forgetAll(): void {
  localStorage.clear()
  sessionStorage.clear()
  sentKeys.length = watched.length = 0
}
