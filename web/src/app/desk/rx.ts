// The prescriptions of a visit. What is written is saved a moment after the last change; the answer holds the findings.
// Each sheet saves itself, shown or not: what is chosen decides only where the next key goes.

import { computed, onScopeDispose, ref, watch, type ComputedRef, type Ref } from 'vue'
import { ApiError } from '@/protocol/http'
import type { Finding, Formula, FormulaTemplate, Herbal, HerbLine, HerbsFound, Medicines, Prescription, Pregnancy, RxContent, RxPane, Ticked, VisitPrescriptions } from '@/protocol/prescriptions'
import type { Live } from '../live'
import type { Session } from '../session'
import type { Kept } from './kept'
import { useFeed } from '../staff/feed'
import { Sheet, type Begun } from './sheet'

export const EMPTY_HERBAL: Herbal = { lines: [], doses: 3, doses_per_day: 1, times_per_day: 2, ml: 200, timing: 'after_meal' }
export const EMPTY_MEDICINES: Medicines = { items: [] }

/** `mistyped`: something was typed that cannot be, or a line is not whole; it is not on the sheet. */
export type RxSave = Sheet['state']['name'] | 'mistyped'

/** One sheet that was saved elsewhere while it was written here. */
export interface RxConflict {
  mine: RxContent
  newer: Prescription
}

export interface Rx {
  pane: ComputedRef<RxPane | null>
  all: ComputedRef<readonly Prescription[]>
  error: ComputedRef<ApiError | null>
  /** The one that is open, as it was read last. */
  open: ComputedRef<Prescription | null>
  /** What stands on it, with what is not saved yet. */
  content: ComputedRef<RxContent | null>
  save: ComputedRef<RxSave>
  saveError: ComputedRef<ApiError | null>
  /** Of any of them. */
  saveOf: (id: string) => RxSave
  /** The first that a person must decide on, shown or not. */
  conflict: ComputedRef<RxConflict | null>
  resolve: (choice: 'mine' | 'theirs') => Promise<void>
  choose: (id: string | null) => void
  /** What was typed on the open sheet and cannot be, by its field. */
  wrong: ComputedRef<Readonly<Record<string, string>>>
  mistype: (field: string, typed: string | null) => void
  /** The line that is being begun on the open sheet. */
  begun: ComputedRef<Begun | null>
  beginLine: (line: Begun | null) => void
  removedLine: (index: number) => void
  tick: (basis: Ticked & { pregnancy: Pregnancy }) => Promise<void>
  begin: (content: RxContent) => Promise<void>
  change: (content: RxContent) => void
  flush: () => Promise<void>
  /** `again` says that the doctor saw once more what was warned of, and signs a second time. */
  sign: (answers: Record<string, string>, validity: Validity, again: boolean) => Promise<void>
  stop: (reason: string) => Promise<void>
  herbs: (typed: string) => Promise<HerbsFound>
  formulas: (typed: string) => Promise<FormulaOffer[]>
  /** The doctor's own formulas; they are inserted as a sheet. */
  own: Omit<Required<Kept<FormulaTemplate>>, 'insert' | 'keep'> & { keep: (name: string, herbal: Herbal) => Promise<FormulaTemplate[]> }
}

/** For how many days a prescription is good, its own among them, and why for more than that. */
export interface Validity {
  days: 1 | 2 | 3
  reason: string
}
export const ITS_DAY: Validity = { days: 1, reason: '' }
/** The fields at which the server refuses one. */
export const VALIDITY_FIELDS = ['valid_days', 'valid_reason'] as const

/** A formula to insert: the doctor's own, or the national protocol's. */
export interface FormulaOffer {
  key: string
  name: string
  /** In English; one's own has what its doctor called it. */
  english: string | null
  /** For which pattern; of one's own nothing is known. */
  pattern: string | null
  /** Doses that are to be compared with the official text. */
  isRecall: boolean
  sheet: Herbal
}

/** The sheets of one visit. They outlive the tab that shows them while something of them is unsaved. */
interface Sheets {
  all: Map<string, Sheet>
  ticks: Ref<number>
  /** The tabs that show them, and how the newest of these reads again. */
  shown: number
  refresh: () => void
}
const written = new Map<string, Sheets>()

/** Before somebody signs out: what can still be saved is saved, and then nothing of it is left here. */
export async function putSheetsAway(): Promise<void> {
  const sheets = [...written.values()].flatMap(({ all }) => [...all.values()])
  await Promise.allSettled(sheets.map((sheet) => sheet.flush()))
  for (const sheet of sheets) sheet.stop()
  written.clear()
}

function sheetsOf(visit: string): Sheets {
  const known = written.get(visit) ?? { all: new Map<string, Sheet>(), ticks: ref(0), shown: 0, refresh: () => undefined }
  written.set(visit, known)
  return known
}

export function useRx(session: Session, live: Live, visit: string): Rx {
  const { http } = session
  const feed = useFeed<VisitPrescriptions>(live, () => http.get(`/visits/${visit}/prescriptions`), () => [{ topic: `visit:${visit}`, since: null }])
  const chosen = ref<string | null>(null)
  const sheets = sheetsOf(visit)
  sheets.shown += 1
  sheets.refresh = feed.refresh

  const ports = {
    async save(id: string, version: number, content: RxContent): Promise<Prescription> {
      try {
        return await http.put<Prescription>(`/prescriptions/${id}`, { version, content })
      } catch (cause) {
        // It is not what it was: what it is now is read, and heard by its sheet.
        if (ApiError.from(cause).status === 409) sheets.refresh()
        throw cause
      }
    },
    later(act: () => void, ms: number): () => void {
      const timer = setTimeout(act, ms)
      return () => clearTimeout(timer)
    },
    changed: () => void (sheets.ticks.value += 1),
  }
  function hear(view: Prescription): void {
    const sheet = sheets.all.get(view.id)
    if (sheet) return sheet.heard(view)
    sheets.all.set(view.id, new Sheet(view, ports))
    ports.changed()
  }
  watch(feed.value, (now) => now?.prescriptions.forEach(hear), { flush: 'sync' })

  const unsaved = (): Sheet[] => [...sheets.all.values()].filter((sheet) => !sheet.isSaved || !sheet.isWhole)
  const wake = (): void => unsaved().forEach((sheet) => sheet.wake())
  const leaving = (event: BeforeUnloadEvent): void => {
    if (unsaved().length > 0) event.preventDefault()
  }
  window.addEventListener('online', wake)
  window.addEventListener('beforeunload', leaving)
  onScopeDispose(() => {
    window.removeEventListener('online', wake)
    window.removeEventListener('beforeunload', leaving)
    sheets.shown -= 1
    // What is unsaved goes out now; what cannot stays until the tab is shown again, and is tried meanwhile.
    void Promise.allSettled(unsaved().map((sheet) => sheet.flush())).then(() => {
      if (sheets.shown === 0 && unsaved().length === 0 && written.get(visit) === sheets) written.delete(visit)
    })
  })

  const sheetOf = (id: string | null): Sheet | null => {
    void sheets.ticks.value
    return (id !== null && sheets.all.get(id)) || null
  }
  const all = computed(() => (feed.value.value?.prescriptions ?? []).map((one) => sheetOf(one.id)?.one ?? one))
  const shown = computed(() => (all.value.some((one) => one.id === chosen.value) ? sheetOf(chosen.value) : null))
  const saveOf = (id: string): RxSave => {
    const sheet = sheetOf(id)
    if (!sheet) return 'saved'
    return sheet.isWhole || sheet.state.name === 'failed' || sheet.state.name === 'conflict' ? sheet.state.name : 'mistyped'
  }
  const asked = (): Sheet | null => {
    void sheets.ticks.value
    return [...sheets.all.values()].find((sheet) => sheet.state.name === 'conflict') ?? null
  }

  function put(view: Prescription): void {
    const now = feed.value.value
    if (!now) return
    const known = now.prescriptions.some((one) => one.id === view.id)
    const prescriptions = known ? now.prescriptions.map((one) => (one.id === view.id ? view : one)) : [...now.prescriptions, view]
    feed.value.value = { ...now, prescriptions }
  }
  /** What the server answers to an act on a sheet; of one that is no longer so, what there is now. */
  async function heard(answer: Promise<Prescription>): Promise<void> {
    try {
      put(await answer)
    } catch (cause) {
      if (ApiError.from(cause).status === 409) feed.refresh()
      throw cause
    }
  }
  const flush = async (): Promise<void> => await shown.value?.flush()

  return {
    pane: computed(() => feed.value.value?.pane ?? null),
    all,
    error: computed(() => feed.error.value),
    open: computed(() => sheetOf(shown.value?.id ?? null)?.one ?? null),
    content: computed(() => sheetOf(shown.value?.id ?? null)?.content ?? null),
    save: computed(() => (shown.value ? saveOf(shown.value.id) : 'saved')),
    saveError: computed(() => {
      const state = sheetOf(shown.value?.id ?? null)?.state
      return state?.name === 'failed' ? state.error : null
    }),
    saveOf,
    conflict: computed(() => {
      const sheet = asked()
      return sheet?.state.name === 'conflict' ? { mine: sheet.content, newer: sheet.state.newer } : null
    }),
    resolve: async (choice) => await asked()?.resolve(choice),
    choose(id) {
      chosen.value = id
    },
    wrong: computed(() => sheetOf(shown.value?.id ?? null)?.wrong ?? {}),
    mistype: (field, typed) => shown.value?.mistype(field, typed),
    begun: computed(() => sheetOf(shown.value?.id ?? null)?.begun ?? null),
    beginLine: (line) => shown.value?.begin(line),
    removedLine: (index) => shown.value?.removed(index),
    async tick(basis) {
      feed.value.value = await http.put<VisitPrescriptions>(`/visits/${visit}/basis`, basis)
      // A finding may hang on what was answered: the open draft is judged again.
      if (shown.value?.one.state === 'draft') await shown.value.judgeAgain()
    },
    async begin(content) {
      await flush()
      const view = await http.post<Prescription>(`/visits/${visit}/prescriptions`, { content })
      put(view)
      chosen.value = view.id
    },
    change: (content) => shown.value?.change(content),
    flush,
    async sign(answers, { days, reason }, again) {
      const sheet = shown.value
      if (!sheet) return
      // What stands on the screen and not on the sheet is not signed away.
      if (!sheet.isWhole) throw new ApiError('request.invalid', 422, 'a field holds what cannot be')
      await sheet.flush()
      const longer = days > 1 ? { valid_days: days, valid_reason: reason.trim() } : {}
      const twice = again ? { confirm: true } : {}
      try {
        await heard(http.post<Prescription>(`/prescriptions/${sheet.id}/sign`, { version: sheet.version, answers, ...twice, ...longer }))
      } catch (cause) {
        // Something is warned of that was not when it was saved: it is judged again, and shown.
        if (ApiError.from(cause).code === 'rx.unconfirmed') await sheet.judgeAgain()
        throw cause
      }
    },
    async stop(reason) {
      const sheet = shown.value
      if (sheet) await heard(http.post<Prescription>(`/prescriptions/${sheet.id}/stop`, { version: sheet.version, reason }))
    },
    herbs: (typed) => http.get<HerbsFound>('/herbs', { query: { q: typed } }),
    async formulas(typed) {
      const [own, found] = await Promise.all([http.get<FormulaTemplate[]>('/formula-templates'), http.get<{ formulas: Formula[] }>('/formulas', { query: { q: typed } })])
      return offersOf(own, found.formulas, typed)
    },
    own: {
      list: () => http.get<FormulaTemplate[]>('/formula-templates'),
      keep: (name, herbal) => http.post<FormulaTemplate[]>('/formula-templates', { name, herbal }),
      rename: ({ id, version }, name) => http.post<FormulaTemplate[]>(`/formula-templates/${id}/rename`, { version, name }),
      retire: ({ id, version }) => http.post<FormulaTemplate[]>(`/formula-templates/${id}/retire`, { version }),
    },
  }
}

/** What is offered for what was typed: one's own by a part of the name, then the protocol's as the server found them. */
export function offersOf(own: readonly FormulaTemplate[], found: readonly Formula[], typed: string): FormulaOffer[] {
  const meant = typed.trim().toLowerCase()
  return [
    ...own.filter((one) => one.name.toLowerCase().includes(meant)).map((one) => ({ key: one.id, name: one.name, english: null, pattern: null, isRecall: false, sheet: one.herbal })),
    ...found.map((one) => ({ key: one.code, name: one.name, english: one.en, pattern: one.pattern, isRecall: one.lines.some((line) => line.certainty === 'recall'), sheet: sheetOf(one) })),
  ]
}

/** A formula as a sheet: the doctor inserted it, and the sheet says so. */
export function sheetOf(formula: Formula): Herbal {
  return {
    ...EMPTY_HERBAL,
    formula: formula.name,
    lines: formula.lines.map((line): HerbLine => ({ written: line.written, mg: line.mg, ...(line.method ? { method: line.method } : {}) })),
    doses: formula.doses,
    times_per_day: formula.times_per_day,
    ml: formula.ml ?? EMPTY_HERBAL.ml,
    timing: formula.timing,
  }
}

/** What a reason in words opens. */
export function wantsReason(finding: Finding): boolean {
  return finding.needs === 'answer' || finding.needs === 'confirm' || finding.needs === 'second_doctor'
}

/** What the doctor is shown once more, and signs a second time. */
export function warned(findings: readonly Finding[]): Finding[] {
  return findings.filter((one) => one.needs === 'confirm')
}

/** The first finding that keeps a prescription from being signed. */
export function openFinding(findings: readonly Finding[], answers: Readonly<Record<string, string>>): Finding | null {
  return findings.find((one) => one.needs === 'ask' || one.needs === 'never' || (wantsReason(one) && (answers[one.key] ?? '').trim().length < 2)) ?? null
}

/** Grams as somebody types them, in whole milligrams; `null` where it is no weight. */
export function milligrams(typed: string): number | null {
  const text = typed.trim().replace(',', '.').replace('。', '.')
  if (!/^\d{1,3}(\.\d{1,3})?$/.test(text)) return null
  const mg = Math.round(Number(text) * 1000)
  return mg >= 1 && mg <= 500_000 ? mg : null
}

export function grams(mg: number): string {
  return String(mg / 1000)
}

/** The line without what was chosen for it. */
export function without(line: HerbLine, name: 'herb' | 'method' | 'role'): HerbLine {
  const rest = { ...line }
  delete rest[name]
  return rest
}
