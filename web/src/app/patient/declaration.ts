import { computed, reactive, ref, shallowRef } from 'vue'
import type { ApiError } from '@/protocol/http'
import { readDraft, writeDraft } from '@/protocol/draft'
import { readQuestionnaire } from '@/protocol/questionnaire-file'
import { faultOf, isAnswered, missing, readNumber, visiblePages, type Facts, type Item, type ItemFault, type Questionnaire } from '@/protocol/questionnaire'
import type { Answers } from '@/protocol/types'
import { Autosave, type SaveState } from './autosave'
import type { PatientStore } from './store'

const forms = new WeakMap<PatientStore, { patient: string; form: Declaration }>()
export type Declaration = ReturnType<typeof createDeclaration>

/** The form of the present patient. It outlives its screen: whoever has to sign in again finds every word as typed. */
export function declarationOf(store: PatientStore): Declaration {
  const patient = store.known.patient?.id ?? ''
  const kept = forms.get(store)
  if (kept?.patient === patient && !store.known.declaration?.result) return kept.form
  kept?.form.stop()
  const form = createDeclaration(store)
  forms.set(store, { patient, form })
  return form
}

/** The declaration that is being filled in: pages, the answers as typed, what is saved, and where one is. */
export function createDeclaration(store: PatientStore) {
  const questionnaire = shallowRef<Questionnaire | null>(null)
  const typed = reactive<Answers>({})
  const faults = reactive<Record<string, ItemFault>>({})
  const saveState = ref<SaveState>('saved')
  const saveError = shallowRef<ApiError | null>(null)
  const savedAt = ref(0)
  const pageIndex = ref(0)
  const resumed = ref(false)
  /** Denied on the first page: not asked again, unless somebody wants to look. */
  const denied = ref<readonly string[]>([])
  const looking = ref(false)
  let autosave: Autosave | null = null
  let id = ''

  const facts = computed<Facts>(() => ({ age: store.known.patient?.age_years, age_years: store.known.patient?.age_years, sex: store.known.patient?.sex }))
  const all = computed(() => (questionnaire.value ? visiblePages(questionnaire.value, clean(), facts.value) : []))
  const passed = computed(() => (looking.value ? [] : denied.value.filter((linkId) => typed[linkId] === false)))
  const pages = computed(() =>
    passed.value.length === 0
      ? all.value
      : all.value
          .map((one) => ({ ...one, items: one.items.filter((item) => !passed.value.includes(item.id)) }))
          .filter((one) => one.items.some((item) => item.type !== 'group')),
  )
  const index = computed(() => Math.min(pageIndex.value, Math.max(0, pages.value.length - 1)))
  const page = computed(() => pages.value[index.value] ?? null)
  const last = computed(() => index.value >= pages.value.length - 1)
  const open = computed(() => missing(pages.value, clean()))
  /** What was answered before the last page, page by page. */
  const answered = computed(() => {
    const given = clean()
    const told = pages.value.slice(0, -1).map(({ id: page, title, items }) => ({
      id: page,
      title,
      answers: items.filter((item) => item.type !== 'group' && isAnswered(given[item.id])).map((item) => ({ item, value: given[item.id] })),
    }))
    return told.filter((one) => one.answers.length > 0)
  })

  async function load(): Promise<void> {
    if (autosave) return autosave.wake()
    const view = await store.beginDeclaration()
    id = view.id
    const unsent = readDraft(store.memory.get('draft'), id)
    questionnaire.value = readQuestionnaire(await store.session.http.get<unknown>(`/questionnaires/${view.questionnaire}`))
    autosave = new Autosave(
      view,
      {
        save: (version, changed) => store.saveAnswers(id, version, changed),
        fetch: () => store.fetchDeclaration(id),
        later: (act, ms) => {
          const timer = setTimeout(act, ms)
          return () => clearTimeout(timer)
        },
        changed(state, now, error) {
          saveState.value = state
          saveError.value = error
          savedAt.value = now.saved_at
          if (state === 'conflict') Object.assign(typed, autosave?.answers)
          if (error?.field && state === 'refused') faults[error.field] = 'range'
          store.memory.set('draft', writeDraft(id, autosave?.pending ?? {}))
        },
      },
      unsent,
    )
    Object.assign(typed, autosave.answers)
    savedAt.value = view.saved_at
    resumed.value = Object.keys(typed).length > 0
    takeOver(store.alreadyDenied())
    const firstOpen = pages.value.findIndex((one) => missing([one], clean()).length > 0)
    pageIndex.value = resumed.value && firstOpen > 0 ? firstOpen : 0
  }

  /** What was denied on the first page is an answer here too; one that was given here stays as it is. */
  function takeOver(linkIds: readonly string[]): void {
    const items = all.value.flatMap((one) => one.items)
    denied.value = linkIds.filter((linkId) => items.some((item) => item.id === linkId && item.type === 'boolean'))
    for (const linkId of denied.value.filter((one) => typed[one] === undefined)) {
      typed[linkId] = false
      autosave?.set(linkId, false)
    }
  }
  /** The questions of the first page once more, as they were answered. */
  function lookAgain(): void {
    looking.value = true
    const first = pages.value.findIndex((one) => one.items.some((item) => denied.value.includes(item.id)))
    if (first >= 0) pageIndex.value = first
  }

  /** The answers as the server wants them: what is half typed or wrong does not count yet. */
  function clean(): Answers {
    if (!questionnaire.value) return {}
    const byId = new Map(questionnaire.value.pages.flatMap((one) => one.items).map((item) => [item.id, item]))
    return Object.fromEntries(
      Object.entries(typed).flatMap(([linkId, value]) => {
        const item = byId.get(linkId)
        const answer = item ? toAnswer(item, value) : value
        return answer === undefined || answer === null ? [] : [[linkId, answer]]
      }),
    )
  }

  function answer(item: Item, value: unknown): void {
    typed[item.id] = value
    const wrong = faultOf({ ...item, required: false }, value)
    if (wrong === null) {
      delete faults[item.id]
      autosave?.set(item.id, toAnswer(item, value) ?? null)
    } else if (faults[item.id]) faults[item.id] = wrong
  }

  /** Checks the page; answers whether it may be left forwards. */
  function check(): boolean {
    for (const item of page.value?.items ?? []) {
      const wrong = faultOf(item, typed[item.id])
      if (wrong) faults[item.id] = wrong
      else delete faults[item.id]
    }
    return !(page.value?.items ?? []).some((item) => faults[item.id])
  }
  function go(to: number): void {
    pageIndex.value = Math.max(0, Math.min(to, pages.value.length - 1))
  }
  function goTo(item: Item): void {
    go(pages.value.findIndex((one) => one.items.some((each) => each.id === item.id)))
  }
  /** To the last page; or to what a changed answer has opened before it. Whether it is the last page. */
  function goToReview(): boolean {
    const ahead = missing(pages.value.slice(0, -1), clean())[0]
    if (ahead) goTo(ahead)
    else go(pages.value.length - 1)
    return ahead === undefined
  }

  async function submit(): Promise<void> {
    if (!autosave) return
    await autosave.flush()
    await store.submitDeclaration(id, autosave.view.version)
    store.memory.set('draft', null)
    forms.delete(store)
  }

  return {
    questionnaire, typed, faults, saveState, saveError, savedAt, resumed, pages, page, index, last, open, answered, passed,
    load, lookAgain, answer, check, go, goTo, goToReview, submit,
    wake: () => autosave?.wake(),
    stop: () => autosave?.stop(),
  }
}

function toAnswer(item: Item, value: unknown): unknown {
  if (faultOf({ ...item, required: false }, value) !== null) return undefined
  if (value === '' || (Array.isArray(value) && value.length === 0)) return null
  if ((item.type === 'integer' || item.type === 'decimal') && typeof value === 'string') return readNumber(value)
  return typeof value === 'string' ? value.trim() : value
}
