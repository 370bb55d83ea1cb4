import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPatientStore } from './store'
import { forgetAll, known, serve, ticket, tokens, watched } from './testing'

vi.mock('../live', async () => (await import('./testing')).silentLive)

beforeEach(forgetAll)
afterEach(() => vi.unstubAllGlobals())

describe('a number that somebody waits with', () => {
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

  it('finds the ticket again after a reload, whatever was on the screen', async () => {
    localStorage.setItem('yunzhen.patient.demo', JSON.stringify(tokens))
    serve({ ...known, 'GET /tickets/current': { ticket }, 'GET /tickets/t1': ticket })
    const store = createPatientStore('demo')
    await store.load()
    expect(store.step.value).toBe('waiting')
    store.stop()
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
