import { computed, reactive, ref, shallowRef, type InjectionKey } from 'vue'
import { ApiError, Http, newKey } from '@/protocol/http'
import type { Answers, CodeSent, ConsentRecord, ConsentText, DeclarationView, DeviceCheck, GuardianRelation, Landing, PatientCard, Subject, TicketView, Tokens, VisitSummary } from '@/protocol/types'
import type { AppointmentView } from '@/protocol/booking'
import { readCheck, readCode, writeCheck, writeCode, type KeptCode } from '@/protocol/draft'
import { typedWords } from '@/protocol/typed'
import { unsentLines } from '@/protocol/unsent'
import { liveOf } from '../live'
import { createSession } from '../session'
import { createEmergency } from './emergency'
import { NOTHING_KNOWN, stepOf, type Known } from './flow'
import { EMPTY_IDENTITY, identityRequest, type IdentityForm } from './identity'
import { memoryFor, rememberLink } from './memory'
import { createRooms } from './rooms'
import { createTicket } from './ticket'

/** `null`: there is none. Not to know it is something else, and is thrown: nobody loses a place because a request failed. */
async function ifAny<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (cause) {
    if (['request.not_found', 'request.invalid'].includes(ApiError.from(cause).code)) return null
    throw cause
  }
}

function holderOf(subject: Subject | null): string | null {
  return subject?.kind === 'holder' ? subject.holder : null
}

/** Everything that one link's patient does, from the landing page to the ticket. Screens read it; nothing else writes it. */
export function createPatientStore(link: string) {
  const memory = memoryFor(link, localStorage)
  const here = memoryFor(link, sessionStorage)
  const known = reactive<Known>({ ...NOTHING_KNOWN })
  const expired = ref(false)
  const session = createSession(localStorage, `yunzhen.patient.${link}`, () => {
    expired.value = true
    known.signedIn = false
    // Whoever has a number is asked for the telephone, and for nothing that was answered before.
    if (known.ticket) known.returning = true
    held.letGo()
  })
  /** Whose things are on the page, also after the session ended. */
  let owner = holderOf(session.subject.value)
  /** The unnamed caller of the emergency line. */
  const caller = createSession(sessionStorage, `yunzhen.caller.${link}`)
  const open = new Http()
  const loadError = shallowRef<ApiError | null>(null)
  const loading = ref(true)
  const persons = shallowRef<PatientCard[]>([])
  const identity = reactive<IdentityForm>({ ...EMPTY_IDENTITY })
  const phone = ref(memory.get('phone') ?? '')
  const held = createTicket({ known, session, live: () => liveOf(session, link), memory, here })
  const { feed, take, act } = held

  /** The appointment that this way leads to, if the patient came with one: its check-in makes the ticket. */
  const appointment = shallowRef<AppointmentView | null>(null)
  function comeWith(id: string): void {
    here.set('appointment', id)
    known.started = true
  }
  async function findAppointment(): Promise<AppointmentView | null> {
    const id = here.get('appointment')
    if (id === null) return null
    const found = await ifAny(session.http.get<AppointmentView>(`/appointments/${encodeURIComponent(id)}`))
    return found?.state === 'booked' ? found : null
  }
  function forgetAppointment(): void {
    appointment.value = null
    here.set('appointment', null)
  }

  const step = computed(() => stepOf(known))

  async function load(): Promise<void> {
    loading.value = true
    loadError.value = null
    emergency.recall()
    try {
      known.landing = await open.get<Landing>(`/links/${encodeURIComponent(link)}`)
      known.check = readCheck(memory.get('check'))
      known.redFlagsClear = emergency.areStillClear()
      if (session.subject.value?.kind === 'holder') await resume()
    } catch (cause) {
      loadError.value = ApiError.from(cause)
    } finally {
      loading.value = false
    }
  }

  /** What the landing page says is looked at again while it is shown; what could not be is said to be old. */
  const landingStale = ref(false)
  async function look(): Promise<void> {
    try {
      known.landing = await open.get<Landing>(`/links/${encodeURIComponent(link)}`)
      landingStale.value = false
    } catch {
      landingStale.value = true
    }
  }

  /** Finds again what this person had: first a live ticket, then a declaration that was submitted or begun. */
  async function resume(): Promise<void> {
    known.signedIn = true
    const [current, cards, texts] = await Promise.all([
      session.http.get<{ ticket: TicketView | null }>('/tickets/current', { query: { link } }),
      session.http.get<PatientCard[]>('/patients'),
      session.http.get<ConsentText[]>('/consents'),
    ])
    persons.value = cards
    known.texts = texts
    if (current.ticket && !held.isDismissed(current.ticket)) {
      take(current.ticket)
      return
    }
    // What was on the page when the session ended may be over by now.
    const before = known.ticket && (await ifAny(session.http.get<TicketView>(`/tickets/${known.ticket.id}`)))
    if (before) {
      take(before)
      return
    }
    known.ticket = null
    appointment.value = await findAppointment()
    const wanted = appointment.value?.patient.id ?? memory.get('person')
    const card = (appointment.value ? null : known.patient) ?? cards.find((one) => one.id === wanted)
    if (card) await choose(card)
    if (known.patient) known.started = true
    known.returning = false
  }

  function start(): void {
    known.started = true
    known.returning = false
  }
  /** Somebody with a number on another device: sign in first, then see what there is. */
  function comeBack(): void {
    known.returning = true
  }
  function toStart(): void {
    known.started = false
    known.returning = false
  }

  const emergency = createEmergency({ link, known, open, caller, memory, here })
  const { alarmSent, raiseRedFlags, answerRedFlags } = emergency
  function backFromEmergency(): void {
    emergency.backFromEmergency()
    if (known.ticket) feed.value?.refresh()
  }

  async function sendCode(locale: 'zh-CN' | 'en'): Promise<CodeSent> {
    const sent = await open.post<CodeSent>('/auth/code', { link, phone: phone.value, locale })
    here.set('code', writeCode({ phone: phone.value, at: Date.now(), sent }))
    return sent
  }
  /** The code that was asked for on this page or before its reload, while it can still be typed in. */
  function keptCode(): KeptCode | null {
    return readCode(here.get('code'), Date.now())
  }
  async function verifyCode(challenge: string, code: string, locale?: 'zh-CN' | 'en'): Promise<void> {
    session.signIn(await open.post<Tokens>('/auth/code/verify', { link, phone: phone.value, challenge, code, ...(locale ? { locale } : {}) }))
    if (owner !== null && owner !== holderOf(session.subject.value)) makeRoom()
    owner = holderOf(session.subject.value)
    expired.value = false
    here.set('code', null)
    memory.set('phone', phone.value)
    rememberLink(link)
    // The code is spent: what cannot be found now is looked for again from the page that says so, and not by a new code.
    loading.value = true
    try {
      await resume()
    } catch (cause) {
      loadError.value = ApiError.from(cause)
    } finally {
      loading.value = false
    }
  }

  async function identify(): Promise<void> {
    const card = await session.http.post<PatientCard>('/patients', identityRequest(identity))
    persons.value = [...persons.value.filter((one) => one.id !== card.id), card]
    Object.assign(identity, EMPTY_IDENTITY)
    await choose(card)
  }
  async function choose(card: PatientCard): Promise<void> {
    const [decisions, declaration] = await Promise.all([session.http.get<ConsentRecord[]>(`/patients/${card.id}/consents`), savedDeclaration(card)])
    known.decisions = decisions
    known.declaration = declaration
    known.resultRead = known.declaration?.result !== undefined && memory.get('result_read') === known.declaration.id
    // What one person denied on the first page answers nothing for another.
    if (memory.get('person') !== null && memory.get('person') !== card.id) emergency.forgetDenied()
    known.patient = card
    memory.set('person', card.id)
  }
  /** The consent of a guardian for the child who was chosen, to the words on sensitive data. */
  async function consentAsGuardian(name: string, relation: GuardianRelation, agrees: boolean): Promise<void> {
    const version = known.texts.find((text) => text.kind === 'sensitive_data')?.version ?? ''
    try {
      known.patient = await session.http.post<PatientCard>(`/patients/${patientId()}/guardian`, { name, relation, version, agrees })
    } catch (cause) {
      if (ApiError.from(cause).code === 'consent.outdated') known.texts = await session.http.get<ConsentText[]>('/consents')
      throw cause
    }
    persons.value = persons.value.map((one) => (one.id === known.patient?.id ? known.patient : one))
  }
  /** The clinic's wall may show another day than this one: where the server says that a guardian is missing, one is asked. */
  function guarded(cause: unknown): void {
    const { code, field } = ApiError.from(cause)
    if (code === 'consent.missing' && field === 'guardian' && known.patient) known.patient = { ...known.patient, needs_guardian: true }
  }
  function somebodyElse(): void {
    known.patient = null
    known.declaration = null
    known.resultRead = false
    memory.set('person', null)
    emergency.forgetDenied()
  }
  /** A declaration of this patient that was submitted within the day and has not led to a ticket yet. */
  async function savedDeclaration(card: PatientCard): Promise<DeclarationView | null> {
    const id = memory.get('declaration')
    if (id === null) return null
    const view = await ifAny(session.http.get<DeclarationView>(`/declarations/${id}`))
    const fresh = view?.result !== undefined && Date.now() - view.result.at < 24 * 3_600_000
    return view?.patient === card.id && fresh ? view : null
  }

  async function decide(text: ConsentText, granted: boolean): Promise<void> {
    const body = { kind: text.kind, version: text.version, granted }
    try {
      const record = await session.http.post<ConsentRecord>(`/patients/${patientId()}/consents`, body)
      known.decisions = [...known.decisions, record]
    } catch (cause) {
      if (ApiError.from(cause).code === 'consent.outdated') known.texts = await session.http.get<ConsentText[]>('/consents')
      throw cause
    }
  }
  function patientId(): string {
    if (!known.patient) throw new ApiError('identity.missing', 0, 'no patient was chosen')
    return known.patient.id
  }

  async function asking<T>(act: Promise<T>): Promise<T> {
    try {
      return await act
    } catch (cause) {
      guarded(cause)
      throw cause
    }
  }

  async function beginDeclaration(): Promise<DeclarationView> {
    const view = await asking(session.http.post<DeclarationView>('/declarations', { patient: patientId(), link }))
    memory.set('declaration', view.id)
    return view
  }
  function saveAnswers(id: string, version: number, answers: Answers): Promise<DeclarationView> {
    return session.http.request<DeclarationView>('PATCH', `/declarations/${id}`, { body: { version, answers } })
  }
  function fetchDeclaration(id: string): Promise<DeclarationView> {
    return session.http.get<DeclarationView>(`/declarations/${id}`)
  }
  async function submitDeclaration(id: string, version: number): Promise<void> {
    const view = await asking(session.http.post<DeclarationView>(`/declarations/${id}/submit`, { version }))
    known.declaration = view
    if (view.result?.alarm) {
      known.alarm = view.result.alarm
      here.set('alarm', view.result.alarm)
    }
  }
  function readResult(): void {
    known.resultRead = true
    if (known.declaration) memory.set('result_read', known.declaration.id)
  }

  /** The key of the one ticket that this declaration may give: a retry must not take a second number. */
  let ticketKey = newKey()
  async function takeTicket(check: DeviceCheck): Promise<void> {
    known.check = check
    memory.set('check', writeCheck(check))
    const declaration = known.declaration?.id ?? ''
    try {
      const booked = appointment.value?.patient.id === known.patient?.id ? appointment.value : null
      const path = booked ? `/appointments/${booked.id}/check-in` : '/tickets'
      const body = booked ? { declaration, check, version: booked.version } : { declaration, check }
      take(await session.http.post<TicketView>(path, body, { key: ticketKey }))
      ticketKey = newKey()
      forgetAppointment()
    } catch (cause) {
      const { code } = ApiError.from(cause)
      // What was declared says nothing about today any more: the form comes again.
      if (code === 'declaration.outdated') forgetDeclaration()
      // Changed elsewhere: the next press checks in to what it is now. Too late, or no more: it takes a number like everybody's.
      if (code === 'appointment.state' || code === 'appointment.too_late') {
        if (code === 'appointment.state') appointment.value = await findAppointment().catch(() => appointment.value)
        else appointment.value = null
        if (!appointment.value) forgetAppointment()
        ticketKey = newKey()
      }
      if (code !== 'ticket.exists') throw cause
      const { ticket } = await session.http.get<{ ticket: TicketView | null }>('/tickets/current', { query: { link } })
      if (!ticket) throw cause
      take(ticket)
    }
  }

  function forgetDeclaration(): void {
    known.declaration = null
    known.resultRead = false
    memory.set('declaration', null)
    ticketKey = newKey()
  }

  /** The page of a finished ticket was read: start over. */
  function startOver(): void {
    held.putAway()
    memory.set('declaration', null)
    // The next one who is seen on this phone may be somebody else.
    memory.set('person', null)
    Object.assign(known, { patient: null, ticket: null, declaration: null, resultRead: false, redFlagsClear: false, check: null, started: false })
    memory.set('red_flags', null)
    emergency.forgetDenied()
    // Of the clinic it may be long that anybody asked.
    void look()
  }

  /** Another number than before: what was on the page is that of somebody else, who goes on where they were. */
  function makeRoom(): void {
    const { started, returning } = known
    startOver()
    forgetAppointment()
    held.nurse.value = null
    Object.assign(known, { started, returning, decisions: [] })
    persons.value = []
  }

  /** After a void number: the declaration of today is still good, so only the check comes again. */
  async function checkInAgain(): Promise<void> {
    const old = known.ticket
    if (!old) return
    const declaration = await savedDeclaration(old.patient)
    held.dismiss()
    if (!declaration) return startOver()
    ticketKey = newKey()
    // What was decided is known before the page changes: otherwise the consents were shown once more, and stayed.
    await choose(old.patient)
    Object.assign(known, { ticket: null, declaration, resultRead: true, started: true, redFlagsClear: true })
    readResult()
  }

  function visits(): Promise<VisitSummary[]> {
    return session.http.get<VisitSummary[]>('/me/visits')
  }
  async function signOut(): Promise<void> {
    await session.http.send('/auth/logout').catch(() => undefined)
    typedWords().forget()
    await unsentLines().forget()
    session.forget()
    owner = null
    startOver()
    Object.assign(known, { signedIn: false, patient: null, decisions: [] })
  }

  return {
    ...createRooms({ known, session, caller }), link, known, step, session, expired, loading, loadError, persons, identity, phone, memory, appointment, comeWith,
    feed, online: held.online, changes: held.changes, clockOffset: held.clockOffset, nurse: held.nurse, nurseRings: held.nurseRings, act,
    retriage: held.retriage, answerNurse: held.answerNurse, firstAhead: held.firstAhead, followHere: held.followHere, followTransfer: held.followTransfer,
    landingStale, look, start, comeBack, toStart, load, alarmSent, raiseRedFlags, answerRedFlags, alreadyDenied: emergency.alreadyDenied, backFromEmergency,
    sendCode, keptCode, verifyCode, identify, choose, somebodyElse, consentAsGuardian, guarded, decide, signOut, visits,
    beginDeclaration, forgetDeclaration, saveAnswers, fetchDeclaration, submitDeclaration, readResult, takeTicket, checkInAgain, startOver,
    stop: () => feed.value?.stop(),
  }
}

export type PatientStore = ReturnType<typeof createPatientStore>
export const PATIENT: InjectionKey<PatientStore> = Symbol('patient')
