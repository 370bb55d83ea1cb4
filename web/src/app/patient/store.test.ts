import { watch } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryFor } from './memory'
import { createPatientStore } from './store'
import { card, forgetAll, known, landing, serve, ticket, tokens } from './testing'

vi.mock('../live', async () => (await import('./testing')).silentLive)

beforeEach(forgetAll)
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
