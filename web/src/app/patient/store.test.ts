import { watch } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { TicketView } from '@/protocol/types'
import { memoryFor } from './memory'
import { PENDING_ALARM } from './emergency'
import { createPatientStore } from './store'

/** What the socket was asked to follow, and is not let go of yet. */
const watched: string[] = []
vi.mock('../live', () => ({
  liveOf: () => ({
    status: { value: { name: 'open' } },
    watch(id: string) {
      watched.push(id)
      return () => void watched.splice(watched.indexOf(id), 1)
    },
    start: () => undefined,
  }),
}))

const card = { id: 'p1', name_masked: '演**', document_tail: '002X', age_years: 76, sex: 'female', relation: 'myself' }
const tokens = { access_token: 'a', refresh_token: 'r', expires_in: 600, subject: { kind: 'holder', holder: 'h', institution: 'i', phone_tail: '0000' } }
const landing = { institution: 'i', clinic: 'c', open: true, demo: true, red_flags: [] }
const ticket = { id: 't1', version: 1, phase: 'waiting', ahead: 2, as_of: 1, patient: card } as unknown as TicketView

/** A server of few words: `METHOD /path` → body, or a status and a code. */
let sentKeys: string[] = []
function serve(answers: Record<string, unknown>): string[] {
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
const known = {
  'GET /links/demo': landing,
  'GET /tickets/current': { ticket: null },
  'GET /patients': [card],
  'GET /consents': [],
  'GET /patients/p1/consents': [],
  'POST /auth/code/verify': tokens,
  'POST /patients': card,
}

beforeEach(() => {
  localStorage.clear()
  sessionStorage.clear()
  sentKeys = []
  watched.length = 0
})
afterEach(() => vi.unstubAllGlobals())

describe('the landing page', () => {
  it('looks again, and says so when what it shows may be old', async () => {
    const answers: Record<string, unknown> = { 'GET /links/demo': { ...landing, waiting: 1 } }
    serve(answers)
    const store = createPatientStore('demo')
    await store.load()
    answers['GET /links/demo'] = { ...landing, waiting: 4 }
    await store.look()
    expect([store.known.landing?.waiting, store.landingStale.value]).toEqual([4, false])
    delete answers['GET /links/demo']
    await store.look()
    expect([store.known.landing?.waiting, store.landingStale.value]).toEqual([4, true])
    expect(store.loadError.value).toBeNull()
  })
})

describe('the store of a patient', () => {
  it('shows the page “call 120” before the network was asked', async () => {
    vi.useFakeTimers()
    serve({ 'GET /links/demo': landing })
    const store = createPatientStore('demo')
    await store.load()
    void store.raiseRedFlags(['chest'])
    expect(store.step.value).toBe('emergency')
    expect(store.known.alarm).toBe(PENDING_ALARM)
    vi.useRealTimers()
  })

  it('checks in again after a void number without the consents in between', async () => {
    const text = { kind: 'treatment', version: '1', required: true, title: { zh: '', en: '' }, lines: [] }
    const declaration = { id: 'd1', patient: 'p1', version: 1, result: { at: Date.now(), level: 'STANDARD' } }
    serve({
      ...known,
      'GET /tickets/current': { ticket: { ...ticket, phase: 'no_show' } },
      'GET /consents': [text],
      'GET /patients/p1/consents': [{ kind: 'treatment', version: '1', granted: true, at: 1 }],
      'GET /declarations/d1': declaration,
    })
    memoryFor('demo', localStorage).set('declaration', 'd1')
    const store = createPatientStore('demo')
    Object.assign(store.known, { signedIn: true, texts: [text], ticket: { ...ticket, phase: 'no_show' } })
    const seen = new Set<string>()
    const stop = watch(store.step, (step) => seen.add(step), { flush: 'sync' })
    await store.checkInAgain()
    stop()
    expect(store.step.value).toBe('check')
    expect(seen).not.toContain('consents')
  })

  it('goes on sending a red flag after a reload, as the same alarm', async () => {
    vi.useFakeTimers()
    const first = serve({ 'GET /links/demo': landing })
    const store = createPatientStore('demo')
    await store.load()
    void store.raiseRedFlags(['chest'])
    await vi.advanceTimersByTimeAsync(4000)
    expect(first.filter((one) => one === 'POST /red-flags').length).toBeGreaterThan(1)
    expect(store.alarmSent.value).toBe('failed')
    store.known.alarm = null // the page is gone

    // Not even the landing page's own request gets through: the number to dial is there all the same.
    serve({})
    const again = createPatientStore('demo')
    await again.load()
    expect(again.step.value).toBe('emergency')
    expect(again.known.alarm).toBe(PENDING_ALARM)
    const line = { emergency: true, line: { alarm: 'a1', tokens: { ...tokens, subject: { kind: 'caller', institution: 'i' } } } }
    const sent = serve({ 'GET /links/demo': landing, 'POST /red-flags': line })
    await vi.advanceTimersByTimeAsync(4000)
    expect(again.known.alarm).toBe('a1')
    expect(again.alarmSent.value).toBe('sent')
    expect(sent.filter((one) => one === 'POST /red-flags')).toHaveLength(1)
    expect(new Set(sentKeys).size).toBe(1)

    const third = createPatientStore('demo')
    await third.load()
    expect(third.known.alarm).toBe('a1')
    vi.useRealTimers()
  })

  it('tells a missed call to a page that was thrown away meanwhile, and keeps it told', async () => {
    localStorage.setItem('yunzhen.patient.demo', JSON.stringify(tokens))
    const at = (more: object) => {
      const now = { ...ticket, level: 'STANDARD', desks_open: 1, miss_shift: 3, missed: 0, ...more }
      serve({ ...known, 'GET /tickets/current': { ticket: now }, 'GET /tickets/t1': now })
    }
    const opened = async () => {
      const store = createPatientStore('demo')
      await store.load()
      store.stop()
      return store.changes.value.map((change) => change.key)
    }
    at({})
    expect(await opened()).toEqual([])
    at({ version: 3, as_of: 2, ahead: 4, missed: 1, moved: 'missed_call' })
    expect(await opened()).toEqual(['wait.change.missed'])
    at({ version: 3, as_of: 3, ahead: 3, missed: 1, moved: 'missed_call' })
    expect(await opened()).toEqual(['wait.change.forward', 'wait.change.missed'])
    at({ id: 't2', as_of: 4, ahead: 9 })
    expect(await opened()).toEqual([])
  })

  it('lets a nurse’s call ring until it was answered once', async () => {
    localStorage.setItem('yunzhen.patient.demo', JSON.stringify(tokens))
    const called = { ...ticket, nurse_call: 'a7' }
    serve({ ...known, 'GET /tickets/current': { ticket: called }, 'GET /tickets/t1': called })
    const store = createPatientStore('demo')
    await store.load()
    expect(store.nurseRings.value).toBe(true)
    store.answerNurse()
    expect([store.nurseRings.value, store.nurse.value]).toEqual([false, 'a7'])
    store.stop()
    const again = createPatientStore('demo')
    await again.load()
    expect(again.nurseRings.value).toBe(false)
    again.stop()
  })

  it('finds the session and the person again after a reload', async () => {
    serve(known)
    const store = createPatientStore('demo')
    await store.load()
    await store.verifyCode('c1', '123456')
    await store.identify()
    const again = createPatientStore('demo')
    await again.load()
    expect(again.session.token()).toBe('a')
    expect(again.known.patient?.id).toBe('p1')
  })

  it('finds the ticket again after a reload, whatever was on the screen', async () => {
    localStorage.setItem('yunzhen.patient.demo', JSON.stringify(tokens))
    serve({ ...known, 'GET /tickets/current': { ticket }, 'GET /tickets/t1': ticket })
    const store = createPatientStore('demo')
    await store.load()
    expect(store.step.value).toBe('waiting')
    store.stop()
  })

  it('takes the number that exists instead of a second one', async () => {
    localStorage.setItem('yunzhen.patient.demo', JSON.stringify(tokens))
    const asked = serve({ ...known, 'POST /tickets': { status: 409, code: 'ticket.exists' }, 'GET /tickets/t1': ticket })
    const store = createPatientStore('demo')
    await store.load()
    serve({ ...known, 'POST /tickets': { status: 409, code: 'ticket.exists' }, 'GET /tickets/current': { ticket }, 'GET /tickets/t1': ticket })
    await store.takeTicket({ camera: false, microphone: true, speaker: true, network: 'good' })
    expect(store.known.ticket?.id).toBe('t1')
    expect(asked).not.toContain('POST /tickets')
    store.stop()
  })

  it('asks for a new declaration when the old one gives no number any more', async () => {
    localStorage.setItem('yunzhen.patient.demo', JSON.stringify(tokens))
    serve({ ...known, 'POST /tickets': { status: 409, code: 'declaration.outdated' } })
    const store = createPatientStore('demo')
    await store.load()
    store.known.declaration = { id: 'd1', result: {} } as unknown as typeof store.known.declaration
    store.known.resultRead = true
    const refused = store.takeTicket({ camera: true, microphone: true, speaker: true, network: 'good' })
    await expect(refused).rejects.toMatchObject({ code: 'declaration.outdated' })
    expect(store.known.declaration).toBe(null)
    expect(store.known.resultRead).toBe(false)
    store.stop()
  })

  it('asks for the number again when the session is gone, and keeps what was typed', async () => {
    localStorage.setItem('yunzhen.patient.demo', JSON.stringify(tokens))
    serve(known)
    const store = createPatientStore('demo')
    await store.load()
    store.start()
    store.known.redFlagsClear = true
    store.known.patient = null
    store.identity.name = '演示'
    serve({ 'POST /patients': { status: 401, code: 'auth.required' }, 'POST /auth/refresh': { status: 401, code: 'auth.session_ended' } })
    await store.identify().catch(() => undefined)
    expect(store.expired.value).toBe(true)
    expect(store.step.value).toBe('phone')
    expect(store.identity.name).toBe('演示')
  })
})

describe('a session that ended on the page', () => {
  const over = { status: 401, code: 'auth.session_ended' }
  /** Waits with a number, and then the server knows the session no more. */
  async function ended(answers: Record<string, unknown>) {
    localStorage.setItem('yunzhen.patient.demo', JSON.stringify(tokens))
    Object.assign(answers, known, { 'GET /tickets/current': { ticket }, 'GET /tickets/t1': ticket, 'POST /auth/refresh': over })
    serve(answers)
    const store = createPatientStore('demo')
    await store.load()
    expect([store.step.value, watched]).toEqual(['waiting', ['t1']])
    await store.session.renew()
    expect([store.expired.value, store.step.value, watched]).toEqual([true, 'phone', []])
    return store
  }

  it('is followed by one that hears of the number again, and is called', async () => {
    const answers: Record<string, unknown> = {}
    const store = await ended(answers)
    answers['GET /tickets/current'] = { ticket: { ...ticket, version: 2, as_of: 2, phase: 'called' } }
    await store.verifyCode('c', '123456')
    expect([store.step.value, store.expired.value, watched]).toEqual(['called', false, ['t1']])
  })

  it('is followed by one that sees that the visit ended meanwhile', async () => {
    const answers: Record<string, unknown> = {}
    const store = await ended(answers)
    Object.assign(answers, { 'GET /tickets/current': { ticket: null }, 'GET /tickets/t1': { ...ticket, version: 3, as_of: 3, phase: 'done' } })
    await store.verifyCode('c', '123456')
    expect([store.step.value, watched]).toEqual(['after', []])
  })

  it('shows nothing of it to somebody who signs in with another number', async () => {
    const answers: Record<string, unknown> = {}
    const store = await ended(answers)
    const other = { ...tokens, access_token: 'b', subject: { ...tokens.subject, holder: 'other' } }
    Object.assign(answers, { 'POST /auth/code/verify': other, 'GET /tickets/current': { ticket: null }, 'GET /patients': [] })
    await store.verifyCode('c', '123456')
    expect([store.known.ticket, store.known.patient, store.persons.value, watched]).toEqual([null, null, [], []])
    expect(store.step.value).toBe('landing')
  })
})

describe('whoever has booked', () => {
  const appointment = { id: 'a1', version: 1, state: 'booked', patient: card }
  const declaration = { id: 'd1', patient: 'p1', version: 1, result: { at: Date.now(), level: 'STANDARD' } }
  const check = { camera: true, microphone: true, speaker: true, network: 'good' } as const
  const came = (answers: Record<string, unknown>, isSignedIn = true) => {
    if (isSignedIn) localStorage.setItem('yunzhen.patient.demo', JSON.stringify(tokens))
    serve({ ...known, ...answers })
    const store = createPatientStore('demo')
    store.comeWith('a1')
    return store
  }

  it('takes no number like everybody’s when the appointment could not be read, and is asked to try again', async () => {
    const store = came({})
    await store.load()
    expect([store.loadError.value?.code, store.known.patient]).toEqual(['network', null])
    serve({ ...known, 'GET /appointments/a1': { status: 503, code: 'server.unavailable' } })
    await store.load()
    expect(store.loadError.value?.code).toBe('server.unavailable')
    const asked = serve({ ...known, 'GET /appointments/a1': appointment, 'POST /appointments/a1/check-in': ticket, 'GET /tickets/t1': ticket })
    await store.load()
    expect([store.loadError.value, store.appointment.value?.id, store.known.patient?.id]).toEqual([null, 'a1', 'p1'])
    await store.takeTicket(check)
    expect(asked).not.toContain('POST /tickets')
    expect(store.known.ticket?.id).toBe('t1')
    store.stop()
  })
  it('is asked to try again after signing in, too, and then needs no second code', async () => {
    const store = came({}, false)
    await store.load()
    await store.verifyCode('c1', '123456')
    expect([store.loadError.value?.code, store.loading.value]).toEqual(['network', false])
    serve({ ...known, 'GET /appointments/a1': appointment })
    await store.load()
    expect([store.loadError.value, store.appointment.value?.id]).toEqual([null, 'a1'])
    store.stop()
  })
  it.each([{ status: 404, code: 'request.not_found' }, { status: 422, code: 'request.invalid' }, { ...appointment, state: 'cancelled' }])('elsewhere or no more goes the way of everybody: %o', async (answer) => {
    const store = came({ 'GET /appointments/a1': answer })
    await store.load()
    expect([store.loadError.value, store.appointment.value]).toEqual([null, null])
    store.stop()
  })
  it('checks in to the appointment as it is now when it was changed elsewhere', async () => {
    const store = came({ 'GET /appointments/a1': appointment })
    await store.load()
    serve({ ...known, 'POST /appointments/a1/check-in': { status: 409, code: 'appointment.state' }, 'GET /appointments/a1': { ...appointment, version: 2 } })
    await expect(store.takeTicket(check)).rejects.toMatchObject({ code: 'appointment.state' })
    expect(store.appointment.value?.version).toBe(2)
    serve({ ...known, 'POST /appointments/a1/check-in': { status: 409, code: 'appointment.state' } })
    await expect(store.takeTicket(check)).rejects.toMatchObject({ code: 'appointment.state' })
    expect(store.appointment.value?.version, 'nobody knows what it is now').toBe(2)
    serve({ ...known, 'POST /appointments/a1/check-in': { status: 409, code: 'appointment.state' }, 'GET /appointments/a1': { ...appointment, state: 'cancelled' } })
    await expect(store.takeTicket(check)).rejects.toMatchObject({ code: 'appointment.state' })
    expect(store.appointment.value).toBeNull()
    store.stop()
  })
  it('does not fill in the form again because what was declared could not be read', async () => {
    memoryFor('demo', localStorage).set('declaration', 'd1')
    const store = came({ 'GET /appointments/a1': appointment })
    await store.load()
    expect([store.loadError.value?.code, store.known.patient]).toEqual(['network', null])
    serve({ ...known, 'GET /appointments/a1': appointment, 'GET /declarations/d1': declaration })
    await store.load()
    expect([store.loadError.value, store.known.declaration?.id]).toEqual([null, 'd1'])
    serve({ ...known, 'GET /appointments/a1': appointment, 'GET /declarations/d1': { status: 404, code: 'request.not_found' } })
    await store.load()
    expect([store.loadError.value, store.known.declaration]).toEqual([null, null])
    store.stop()
  })
  it('keeps the page of a void number until what was declared could be read', async () => {
    const store = came({})
    memoryFor('demo', localStorage).set('declaration', 'd1')
    Object.assign(store.known, { signedIn: true, ticket: { ...ticket, phase: 'no_show' } })
    await expect(store.checkInAgain()).rejects.toMatchObject({ code: 'network' })
    expect(store.step.value).toBe('no_show')
  })
})

describe('what was denied on the first page', () => {
  const flags = [
    { id: 'breath', question: { zh: '喘', en: 'breath' } },
    { id: 'chest', question: { zh: '胸', en: 'chest' }, answers: 'sx.chest' },
  ]
  const begin = async () => {
    serve({ ...known, 'GET /links/demo': { ...landing, red_flags: flags }, 'POST /red-flags': { emergency: false } })
    const store = createPatientStore('demo')
    await store.load()
    await store.answerRedFlags([])
    return store
  }

  it('answers the declaration too, also after a reload, and leaves breathing to be asked', async () => {
    expect((await begin()).alreadyDenied()).toEqual(['sx.chest'])
    const again = createPatientStore('demo')
    await again.load()
    expect(again.alreadyDenied()).toEqual(['sx.chest'])
  })

  it('is not said of somebody else', async () => {
    const store = await begin()
    store.somebodyElse()
    expect(store.alreadyDenied()).toEqual([])
  })

  it('is asked again after half an hour', async () => {
    const store = await begin()
    vi.useFakeTimers({ now: Date.now() + 31 * 60_000 })
    expect(store.alreadyDenied()).toEqual([])
    vi.useRealTimers()
  })
})
