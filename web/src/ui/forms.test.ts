import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, h, nextTick, provide, ref, type App } from 'vue'
import { errorText } from '@/app/errors'
import { NOTHING_KNOWN } from '@/app/patient/flow'
import { EMPTY_IDENTITY } from '@/app/patient/identity'
import { PATIENT } from '@/app/patient/store'
import { staff } from '@/app/staff'
import { t } from '@/i18n'
import { ApiError } from '@/protocol/http'
import CredentialForm from './admin/CredentialForm.vue'
import RosterForm from './admin/RosterForm.vue'
import Approvals from './admin/proof/Approvals.vue'
import LegalHolds from './admin/proof/LegalHolds.vue'
import DiagnosisFields from './desk/DiagnosisFields.vue'
import ExamTab from './desk/exam/ExamTab.vue'
import KeptDialog from './desk/KeptDialog.vue'
import NoteField from './desk/NoteField.vue'
import ReferDialog from './desk/ReferDialog.vue'
import CountersignBadge from './desk/rx/CountersignBadge.vue'
import StopDialog from './desk/rx/StopDialog.vue'
import ValidityFields from './desk/rx/ValidityFields.vue'
import SignDialog from './desk/SignDialog.vue'
import StrangerDialog from './desk/stranger/StrangerDialog.vue'
import VitalsFields from './desk/VitalsFields.vue'
import GuardianScreen from './patient/screens/GuardianScreen.vue'
import IdentityScreen from './patient/screens/IdentityScreen.vue'
import ReviewSheet from './pharmacy/ReviewSheet.vue'
import CorrectIdentity from './staff/CorrectIdentity.vue'
import OwnPassword from './staff/OwnPassword.vue'
import AdverseDialog from './staff/reports/AdverseDialog.vue'
import ReportCard from './staff/reports/ReportCard.vue'

// What the server refuses by a field stands at that field, in every form that sends one, and not beside the form.

let app: App | null = null
beforeEach(() => vi.stubGlobal('print', () => undefined))
afterEach(() => {
  app?.unmount()
  document.body.replaceChildren()
  vi.unstubAllGlobals()
})

const refusal = (field: string): ApiError => new ApiError('request.invalid', 422, 'no', { field })
async function settle(): Promise<void> {
  for (let n = 0; n < 20; n += 1) {
    await Promise.resolve()
    await nextTick()
  }
}

interface Form {
  component: object
  props: Record<string, unknown>
  /** What is provided to a screen of a patient. */
  store?: unknown
}
async function open({ component, props, store }: Form): Promise<void> {
  const root = document.createElement('div')
  document.body.append(root)
  app = createApp({
    setup() {
      if (store) provide(PATIENT, store as never)
      return () => h(component, props)
    },
  })
  app.config.warnHandler = () => undefined
  app.mount(root)
  await settle()
}
function one(selector: string): HTMLElement {
  const found = document.body.querySelector<HTMLElement>(selector)
  if (!found) throw new Error(`there is no ${selector} in ${document.body.innerHTML}`)
  return found
}
async function press(id: string): Promise<void> {
  one(`[data-testid="${id}"]`).click()
  await settle()
}
async function submit(selector = 'form'): Promise<void> {
  one(selector).dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }))
  await settle()
}
async function type(selector: string, words: string): Promise<void> {
  const field = one(selector) as HTMLInputElement
  field.value = words
  field.dispatchEvent(new Event('input', { bubbles: true }))
  await settle()
}
/** The words at the field, and at nothing else. */
function expectAt(id: string): void {
  expect(document.getElementById(`${id}-error`)?.textContent?.trim(), id).toBe(errorText(refusal('any')))
  expect(document.querySelector(`[aria-describedby~="${id}-error"]`), `a control of ${id}`).not.toBeNull()
  const all = document.body.textContent?.split(errorText(refusal('any'))).length ?? 0
  expect(all - 1, 'said once').toBe(1)
}

/** A session of whoever: reads are answered from a table, what is sent is refused at a field. */
function sessionOf(field: () => string, reads: Readonly<Record<string, unknown>> = {}, accepts: readonly string[] = []) {
  const post = (path: string) => (accepts.includes(path) ? Promise.resolve(reads[path]) : Promise.reject(refusal(field())))
  return { http: { get: (path: string) => Promise.resolve(reads[path]), post, send: post, put: post, request: post, blob: post } }
}
const text = { zh: '演', en: 'd' }
const CLINICS = { '/clinics': [{ id: 'c', name: text, desks: [] }], '/doctors': [{ id: 'd', name: text }] }

describe('the hours of a doctor', () => {
  it.each(['doctor', 'clinic', 'weekdays', 'from', 'to', 'minutes', 'capacity', 'first_day', 'last_day'])('say what is wrong with %s at it', async (field) => {
    await open({ component: RosterForm, props: { session: sessionOf(() => field, CLINICS) } })
    await submit()
    expectAt(`roster-${field}`)
  })
})

describe('what a doctor has on paper', () => {
  const papers = { registration: null, practises_since: null, consent_on: null, licence_through: null, lacks: [], required: true }
  it.each([['registration', 'papers-registration'], ['practises_since', 'papers-since'], ['consent_on', 'papers-consent'], ['licence_through', 'papers-through']])('says what is wrong with %s at it', async (field, id) => {
    await open({ component: CredentialForm, props: { one: { id: 'd', name: text }, papers, session: sessionOf(() => field) } })
    await submit()
    expectAt(id)
  })
})

describe('what may go', () => {
  const retention = { rules: { classes: [{ class: 'prescription_ordinary', then: 'delete_by_approval' }] }, approvals: [], purposes: [] }
  it.each([
    ['class', 'approve', 'approve-class'],
    ['due_until', 'approve', 'approve-before'],
    ['declared_until', 'end', 'end-before'],
  ])('says what is wrong with %s at it, and the question goes', async (field, act, id) => {
    await open({ component: Approvals, props: { session: sessionOf(() => field, CLINICS), retention } })
    await submit(`form:has([data-testid="${act}-open"])`)
    await press(`${act}-yes`)
    expectAt(id)
    expect(document.querySelector('[role="dialog"]')).toBeNull()
  })
})

describe('a hold', () => {
  const visit = { id: 'v', no: 1, started_at: 1, clinic_name: text, doctor_name: text, name_masked: '演*', age_years: 40, sex: 'male', is_treated: false }
  const reads = { ...CLINICS, '/visits/by-number': [visit] }
  it('says what is wrong with its reason at it', async () => {
    await open({ component: LegalHolds, props: { session: sessionOf(() => 'reason', reads, ['/visits/by-number']), holds: [] } })
    await type('[data-testid="number-day"]', '2026-03-02')
    await type('[data-testid="number-no"]', '1')
    await submit()
    await type('#hold-reason', '医疗纠纷')
    await press('hold-place')
    expectAt('hold-reason')
  })
  it('says what is wrong with why it is lifted at it', async () => {
    const hold = { id: 'h', subject: 'visit', no: 1, visit_at: 1, reason: '纠纷', placed_by: text, placed_at: 1, lifted_at: null, lifted_by: null, lift_reason: null }
    await open({ component: LegalHolds, props: { session: sessionOf(() => 'reason', CLINICS), holds: [hold] } })
    await press('hold-lift')
    await type('#lift-reason', '已结案')
    await press('hold-lift-yes')
    expectAt('lift-reason')
  })
})

describe('the record of a stranger', () => {
  it('says what is wrong with the document at it', async () => {
    await open({ component: StrangerDialog, props: { session: sessionOf(() => 'number', CLINICS), now: () => 1, open: true } })
    await type('#stranger-number', '110')
    await submit()
    expectAt('stranger-number')
  })
})

describe('the prescription pane', () => {
  const fails = (field: string) => () => Promise.reject(refusal(field))
  it('says what is wrong with the name of a kept formula at it', async () => {
    const kept = { list: () => Promise.resolve([{ id: 'f', name: '旧', version: 1 }]), insert: fails('name'), keep: fails('name'), rename: fails('name'), retire: fails('name') }
    const props = { kept, title: 't', text: 't', none: 'n', keepLabel: 'k', body: () => '', isOwn: () => true }
    const is = ref(false)
    await open({ component: { setup: () => () => h(KeptDialog as never, { ...props, open: is.value }) }, props: {} })
    is.value = true
    await settle()
    await type('#template-name', '方')
    await submit('form:has(#template-name)')
    expectAt('template-name')
    // The other act forgets nothing of the first: each name has its own words.
    await press('template-rename')
    await submit('form:has(#rename-f)')
    expect(document.getElementById('rename-f-error')).not.toBeNull()
  })
  it('says what is wrong with a reason to stop and to refer at it', async () => {
    for (const [component, props, id, yes] of [
      [StopDialog, { rx: { stop: fails('reason') } }, 'rx-stop-reason', 'rx-stop-yes'],
      [ReferDialog, { record: { setOutcome: fails('reason') }, begin: '需面诊' }, 'refer-reason', 'refer-yes'],
    ] as const) {
      await open({ component, props: { ...props, open: true } })
      await type(`#${id}`, '患者妊娠')
      await press(yes)
      expectAt(id)
      app?.unmount()
      document.body.replaceChildren()
    }
  })
  it.each([['valid_days', 'rx-valid-days'], ['valid_reason', 'rx-valid-reason']])('says what is wrong with %s at it', async (field, id) => {
    await open({ component: ValidityFields, props: { modelValue: { days: 2, reason: '远' }, error: refusal(field) } })
    expectAt(id)
  })
})

describe('the record', () => {
  const choice = (code: string) => ({ code, text, initials: [] })
  const sweat = { id: 'ask.sweat', exam: 'ask', label: text, how: 'many', on_site: false, choices: [choice('ask.sweat.none')] }
  const form = { edition: '1', status: 'signed', fields: [sweat], tongue: [], coating: [], sublingual: [], pulses: [], principles: [] }
  const session = sessionOf(() => '', { '/terms/form': form })
  const exams = { pulse: { state: 'taken', by: 'device' }, women: { pregnancy: 'pregnant', weeks: 20 } }
  const examining = { session, exams, sex: 'female', age: 30, locked: false }
  it.each([
    ['findings.ask.sweat', 'words-ask.sweat'],
    ['findings.ask.sweat.words', 'words-ask.sweat'],
    ['tongue.body', 'tongue-body'],
    ['tongue.words', 'tongue-body'],
    ['tongue.coating', 'tongue-coating'],
    ['pulse', 'pulse'],
    ['pulse.words', 'pulse'],
    ['pulse.left.cun', 'pulse-left-cun'],
    ['women.weeks', 'weeks'],
    ['women.last_period', 'last-period'],
  ])('says what is wrong with the examination’s %s at it, however folded it was', async (field, id) => {
    await open({ component: ExamTab, props: { ...examining, fault: refusal(`content.exams.${field}`) } })
    expectAt(id)
  })
  it.each(['complaint', 'examination', 'diagnosis'])('says what is wrong with its %s at it', async (field) => {
    await open({ component: NoteField, props: { id: `note-${field}`, label: 'l', value: 'v', rows: 1, locked: false, error: errorText(refusal(field)) } })
    expectAt(`note-${field}`)
  })
  it.each([['vitals.temperature', 'vital-temperature'], ['vitals.systolic', 'vital-systolic']])('says what is wrong with %s at it', async (field, id) => {
    const none = { temperature: null, heart_rate: null, respiratory_rate: null, oxygen_saturation: null, systolic: null, diastolic: null }
    await open({ component: VitalsFields, props: { vitals: none, locked: false, fault: refusal(`content.${field}`) } })
    expectAt(id)
  })
  it.each([['diagnoses.1.code', 'dx-western'], ['diagnoses.0', 'dx-pattern'], ['diagnoses', 'dx-disease'], ['principle', 'principle']])('says what is wrong with %s at it', async (field, id) => {
    const diagnoses = [{ kind: 'pattern', code: 'B', zh: '证', en: 'p' }, { kind: 'western', code: 'J', zh: '病', en: 'w' }]
    await open({ component: DiagnosisFields, props: { session, diagnoses, principle: [], locked: false, fault: refusal(`content.${field}`) } })
    expectAt(id)
  })
  it('takes no more words, terms and weeks than the server does', async () => {
    const sent = vi.fn()
    const body = Array.from({ length: 20 }, (_, n) => `tongue.${n}`)
    await open({ component: ExamTab, props: { ...examining, exams: { ...exams, tongue: { body } }, onChange: sent } })
    await press('exam-ask')
    await press('field-ask.sweat')
    expect(one('[data-testid="words-ask.sweat"]').getAttribute('maxlength')).toBe('4000')
    await type('#tongue-body', 'dh')
    expect(document.body.textContent).toContain(t('exam.full', { n: 20 }))
    const weeks = one('[data-testid="weeks"]') as HTMLInputElement
    for (const wrong of ['0', '45', '300', '4.5']) {
      weeks.value = wrong
      weeks.dispatchEvent(new Event('change', { bubbles: true }))
      await settle()
      expect(document.getElementById('weeks-error')?.textContent, wrong).toContain('1')
    }
    expect(sent).not.toHaveBeenCalled()
    weeks.value = '44'
    weeks.dispatchEvent(new Event('change', { bubbles: true }))
    await settle()
    expect(sent).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ women: { pregnancy: 'pregnant', weeks: 44 } }))
    expect(document.getElementById('weeks-error')).toBeNull()
  })
  it('says what is wrong with the reason of an amendment at it', async () => {
    const content = { diagnosis: '感冒', advice: '休息', diagnoses: [] }
    const record = { content: ref(content), signed: ref([{}]), isArchived: ref(true), sign: () => Promise.reject(refusal('reason')) }
    await open({ component: SignDialog, props: { record, open: true } })
    await type('#amend-reason', '更正')
    await press('sign-yes')
    expectAt('amend-reason')
  })
})

describe('a second doctor', () => {
  it('reads what is wrong with the own reason at the sheet that was pressed', async () => {
    const sheet = (id: string) => ({ id, number: id, state: 'signed', version: 1, content: { medicines: { items: [] } }, report: { findings: [], passed: [], data_version: '1', data_status: 'signed' }, answers: {}, basis: null, longer: null, patient_masked: '演*', doctor: text })
    const forWhom = (id: string) => ({ prescription: sheet(id), name: '演示患者', sex: 'female', age_years: 33, pregnancy: 'lactating', allergies: '青霉素', drugs: '', diagnosis: '感冒' })
    const reads = { '/prescriptions/to-countersign': [sheet('p'), sheet('q')], '/prescriptions/p/countersign': forWhom('p'), '/prescriptions/q/countersign': forWhom('q') }
    const session = { ...sessionOf(() => 'reason', reads), subject: ref({ kind: 'staff', institution: 'i' }) }
    const live = { status: ref({ name: 'open' }), subscribe: () => () => undefined }
    await open({ component: CountersignBadge, props: { session, live } })
    await vi.waitFor(() => one('[data-testid="countersign"]'))
    await press('countersign')
    expect(one('#countersign-q').getAttribute('maxlength')).toBe('500')
    await vi.waitFor(() => one('[data-testid="countersign-one"]:last-child [data-testid="for-whom"]'))
    for (const word of ['演示患者', '33', '感冒', '青霉素', t('rx.pregnancy.lactating')]) expect(document.body.textContent).toContain(word)
    for (const press of ['countersign-yes', 'countersign-no']) {
      await type('#countersign-q', '同意')
      one(`[data-testid="countersign-one"]:last-child [data-testid="${press}"]`).click()
      await settle()
      expectAt('countersign-q')
    }
  })
})

describe('the own password', () => {
  it.each([['password', 'password-now'], ['new', 'password-new']])('says what is wrong with %s at it, and keeps what was typed', async (field, id) => {
    vi.spyOn(staff.http, 'send').mockRejectedValueOnce(refusal(field))
    await open({ component: OwnPassword, props: {} })
    await press('password-open')
    await type('#password-now', 'old')
    await type('#password-new', 'k7mq-x3tz-9bde-wwpa')
    await type('#password-again', 'k7mq-x3tz-9bde-wwp')
    expect(one('[data-testid="password-yes"]').getAttribute('aria-disabled')).toBe('true')
    await type('#password-again', 'k7mq-x3tz-9bde-wwpa')
    await press('password-yes')
    expectAt(id)
    expect((one('#password-new') as HTMLInputElement).value).toBe('k7mq-x3tz-9bde-wwpa')
  })
})

describe('what must be reported', () => {
  const line = { id: 'r', visit: 'v', no: 1, patient_masked: '演*', clinic_name: text, cause: 'outcome', state: 'due', doctor_name: text, suspected_at: 1, due_at: 2, rang: 0, may_dismiss: true, closed_by: null, closed_at: null, receipt: null }
  const identity = { name: '演', document: 'resident_card', sex: 'male', birth_date: '1990-01-01', age_years: 33, relation: 'myself' }
  const form = { line, reason: null, dismissal: null, identity, document_number: '1', phone: '1', address: null, onset: null, complaint: '', diagnosis: text, triage: [], institution_name: text }
  it.each([['report', 'receipt', 'report-receipt', '1234'], ['dismiss', 'reason', 'report-dismissal', '核酸阴性']])('says what is wrong with a %s at its field', async (act, field, id, words) => {
    const reports = { form: () => Promise.resolve(form), [act]: () => Promise.reject(refusal(field)) }
    await open({ component: ReportCard, props: { id: 'r', reports, now: () => 1 } })
    await type(`#${id}`, words)
    await submit(`form:has(#${id})`)
    expectAt(id)
  })
  it.each([['words', 'adverse-words'], ['measures', 'adverse-measures'], ['happened_at', 'adverse-happened']])('says what is wrong with %s of an adverse event at it', async (field, id) => {
    const is = ref(false)
    const props = { session: sessionOf(() => field), visit: 'v', now: () => 1_600_000_000_000 }
    await open({ component: { setup: () => () => h(AdverseDialog as never, { ...props, open: is.value }) }, props: {} })
    is.value = true
    await settle()
    await type('#adverse-words', '皮疹')
    await type('#adverse-measures', '停药')
    await press('adverse-yes')
    expectAt(id)
  })
})

describe('a pharmacist', () => {
  it('reads what is wrong with the reason of a return at it', async () => {
    const prescription = { id: 'p', number: 'R', state: 'signed', version: 1, content: { medicines: { items: [] } }, report: { findings: [], passed: [], data_version: '1', data_status: 'signed' }, answers: {}, basis: null, longer: null, patient_masked: '演*', doctor: text, needs_second: false }
    const sheet = { prescription, age_years: 40, sex: 'male', pregnancy: 'no', allergies: '', drugs: '', diagnosis: '', items: [], claim_until: 2, recipient: null }
    await open({ component: ReviewSheet, props: { pharmacy: { judge: () => Promise.reject(refusal('reason')) }, sheet, now: 1 } })
    await type('#review-reason', '请核对')
    await press('review-return')
    expectAt('review-reason')
  })
})

describe('a slip in who somebody is', () => {
  const known = { name: '演示患者甲', document: 'passport', sex: 'male', birth_date: '1990-05-10' }
  const props = { ticket: 't', version: 3, known, stale: false }
  async function choose(kind: string): Promise<void> {
    const field = one('#correct-document') as HTMLSelectElement
    field.value = kind
    field.dispatchEvent(new Event('change', { bubbles: true }))
    await settle()
  }
  it.each([['name', 'name'], ['document', 'document'], ['number', 'number'], ['birth_date', 'birth'], ['sex', 'sex'], ['reason', 'reason']])('says what is wrong with the %s at it', async (field, id) => {
    await open({ component: CorrectIdentity, props: { ...props, session: sessionOf(() => field) } })
    await press('identity-correct')
    await type('#correct-name', '周壹')
    await type('#correct-reason', '与护照不符')
    await press('identity-correct-yes')
    expectAt(`correct-${id}`)
  })
  it('may be in the kind of document and in the sex, and what a resident card states is not said beside it', async () => {
    const sent: unknown[] = []
    await open({ component: CorrectIdentity, props: { ...props, session: { http: { send: (_: string, body: unknown) => Promise.resolve(void sent.push(body)) } } } })
    const mend = async (): Promise<void> => {
      await type('#correct-reason', '与证件不符')
      await press('identity-correct-yes')
    }
    await press('identity-correct')
    await choose('taiwan_permit')
    one('#correct-sex-female').click()
    await mend()
    await press('identity-correct')
    one('#correct-sex-female').click()
    await choose('resident_card')
    expect(document.querySelector('#correct-sex-female')).toBeNull()
    await type('#correct-number', '11010119900101002X')
    await mend()
    expect(sent).toEqual([
      { version: 3, document: 'taiwan_permit', sex: 'female', reason: '与证件不符' },
      { version: 3, document: 'resident_card', number: '11010119900101002X', reason: '与证件不符' },
    ])
  })
})

describe('a patient', () => {
  it.each([['name', 'guardian-name'], ['relation', 'guardian-relation'], ['agrees', 'guardian-agrees']])('reads what is wrong with the guardian’s %s at it', async (field, id) => {
    const store = { known: { ...NOTHING_KNOWN, texts: [] }, consentAsGuardian: () => Promise.reject(refusal(field)) }
    await open({ component: GuardianScreen, props: {}, store })
    await type('#guardian-name', '演示家长')
    one('#guardian-relation').click()
    one('#guardian-agrees').click()
    await submit()
    expectAt(id)
  })
  it.each([['name', 'name'], ['number', 'number'], ['birth_date', 'birth'], ['sex', 'sex']])('reads what is wrong with the own %s at it', async (field, id) => {
    const identity = { ...EMPTY_IDENTITY, name: '演示患者甲', document: 'passport', number: 'E1234567', birthDate: '1990-05-10', sex: 'male' }
    const store = { known: NOTHING_KNOWN, persons: ref([]), identity, identify: () => Promise.reject(refusal(field)) }
    await open({ component: IdentityScreen, props: {}, store })
    await submit()
    expectAt(id)
  })
})
