// The prescriptions of a visit. What is written is saved a moment after the last change; the answer holds the findings.

import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { ApiError } from '@/protocol/http'
import type { Finding, Formula, FormulaTemplate, Herbal, HerbLine, HerbsFound, Medicines, Prescription, Pregnancy, RxContent, RxPane, Ticked, VisitPrescriptions } from '@/protocol/prescriptions'
import type { Live } from '../live'
import type { Session } from '../session'
import type { Kept } from './kept'
import { useFeed } from '../staff/feed'

export const SAVE_AFTER_MS = 700

export const EMPTY_HERBAL: Herbal = { lines: [], doses: 3, doses_per_day: 1, times_per_day: 2, ml: 200, timing: 'after_meal' }
export const EMPTY_MEDICINES: Medicines = { items: [] }

export type RxSave = 'saved' | 'dirty' | 'saving' | 'failed'

export interface Rx {
  pane: ComputedRef<RxPane | null>
  all: ComputedRef<readonly Prescription[]>
  error: ComputedRef<ApiError | null>
  /** The one that is open, as it was read last. */
  open: ComputedRef<Prescription | null>
  /** What stands on it, with what is not saved yet. */
  content: ComputedRef<RxContent | null>
  save: Ref<RxSave>
  saveError: ShallowRef<ApiError | null>
  choose: (id: string | null) => void
  tick: (basis: Ticked & { pregnancy: Pregnancy }) => Promise<void>
  begin: (content: RxContent) => Promise<void>
  change: (content: RxContent) => void
  flush: () => Promise<void>
  sign: (answers: Record<string, string>, validity: Validity) => Promise<void>
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
  /** For which pattern; of one's own nothing is known. */
  pattern: string | null
  /** Doses that are to be compared with the official text. */
  isRecall: boolean
  sheet: Herbal
}

export function useRx(session: Session, live: Live, visit: string): Rx {
  const { http } = session
  const feed = useFeed<VisitPrescriptions>(live, () => http.get(`/visits/${visit}/prescriptions`), () => [{ topic: `visit:${visit}`, since: null }])
  const chosen = ref<string | null>(null)
  const edited = shallowRef<RxContent | null>(null)
  const save = ref<RxSave>('saved')
  const saveError = shallowRef<ApiError | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined
  let sending: Promise<void> | null = null
  onScopeDispose(() => {
    clearTimeout(timer)
    if (edited.value) void send()
  })

  const all = computed(() => feed.value.value?.prescriptions ?? [])
  const open = computed(() => all.value.find((one) => one.id === chosen.value) ?? null)

  function put(view: Prescription): void {
    const now = feed.value.value
    if (!now) return
    const known = now.prescriptions.some((one) => one.id === view.id)
    const prescriptions = known ? now.prescriptions.map((one) => (one.id === view.id ? view : one)) : [...now.prescriptions, view]
    feed.value.value = { ...now, prescriptions }
  }

  function send(): Promise<void> {
    clearTimeout(timer)
    sending ??= once().finally(() => (sending = null))
    return sending
  }
  async function once(): Promise<void> {
    while (edited.value && open.value) {
      const [content, one] = [edited.value, open.value]
      save.value = 'saving'
      try {
        const view = await http.put<Prescription>(`/prescriptions/${one.id}`, { version: one.version, content })
        put(view)
        saveError.value = null
        // Typed on meanwhile: once more, over the version that is new now.
        if (edited.value === content) edited.value = null
      } catch (cause) {
        saveError.value = ApiError.from(cause)
        save.value = 'failed'
        if (saveError.value.code === 'version.conflict') feed.refresh()
        return
      }
    }
    save.value = 'saved'
  }
  async function flush(): Promise<void> {
    if (sending) await sending
    if (edited.value) await send()
    if (saveError.value) throw saveError.value
  }

  return {
    pane: computed(() => feed.value.value?.pane ?? null),
    all,
    error: computed(() => feed.error.value),
    open,
    content: computed(() => edited.value ?? open.value?.content ?? null),
    save,
    saveError,
    choose(id) {
      if (edited.value) void send()
      chosen.value = id
    },
    async tick(basis) {
      feed.value.value = await http.put<VisitPrescriptions>(`/visits/${visit}/basis`, basis)
      // A finding may hang on what was answered: the open draft is judged again.
      const one = open.value
      if (one?.state === 'draft') put(await http.put<Prescription>(`/prescriptions/${one.id}`, { version: one.version, content: edited.value ?? one.content }))
      edited.value = null
    },
    async begin(content) {
      await flush()
      const view = await http.post<Prescription>(`/visits/${visit}/prescriptions`, { content })
      put(view)
      chosen.value = view.id
    },
    change(content) {
      edited.value = content
      save.value = 'dirty'
      clearTimeout(timer)
      timer = setTimeout(() => void send(), SAVE_AFTER_MS)
    },
    flush,
    async sign(answers, { days, reason }) {
      await flush()
      const one = open.value
      const longer = days > 1 ? { valid_days: days, valid_reason: reason.trim() } : {}
      if (one) put(await http.post<Prescription>(`/prescriptions/${one.id}/sign`, { version: one.version, answers, ...longer }))
    },
    async stop(reason) {
      const one = open.value
      if (one) put(await http.post<Prescription>(`/prescriptions/${one.id}/stop`, { version: one.version, reason }))
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
    ...own.filter((one) => one.name.toLowerCase().includes(meant)).map((one) => ({ key: one.id, name: one.name, pattern: null, isRecall: false, sheet: one.herbal })),
    ...found.map((one) => ({ key: one.code, name: one.name, pattern: one.pattern, isRecall: one.lines.some((line) => line.certainty === 'recall'), sheet: sheetOf(one) })),
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
