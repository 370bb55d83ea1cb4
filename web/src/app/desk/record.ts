import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { unsavedNotes, type Unsaved } from '@/protocol/unsaved'
import { typedWords } from '@/protocol/typed'
import { unsentLines } from '@/protocol/unsent'
import { ApiError } from '@/protocol/http'
import { readQuestionnaire } from '@/protocol/questionnaire-file'
import type { Questionnaire } from '@/protocol/questionnaire'
import type { Amendment, FieldConflict, MergedNote, NoteVersion, NoteVersionView, ReadView, Template } from '@/protocol/record'
import type { CurrentPatient, NoteDraft, VisitView } from '@/protocol/staff'
import type { NoteContent, Outcome, SignedNote } from '@/protocol/types'
import type { Live } from '../live'
import { newest } from '../newest'
import type { Session } from '../session'
import { fillIn, prefill } from './history'
import { Note, type SaveState } from './note'
import { putSheetsAway } from './rx'

/** The record of one visit: the draft, what was signed, and what happens next. */
export interface VisitRecord {
  visit: ShallowRef<VisitView | null>
  content: ComputedRef<NoteContent | null>
  save: ComputedRef<SaveState>
  signed: ComputedRef<readonly SignedNote[]>
  /** Of an archived record: what waits for somebody else's word, or was declined last. */
  amendment: ComputedRef<Amendment | null>
  isArchived: ComputedRef<boolean>
  error: Ref<ApiError | null>
  /** Why the last save was refused; its field is told at that field. Nothing once it is typed on. */
  refused: ComputedRef<ApiError | null>
  isLocked: ComputedRef<boolean>
  change: (part: Partial<NoteContent>) => void
  resolve: (choose: (conflict: FieldConflict) => 'mine' | 'theirs') => Promise<void>
  /** Puts a template into the draft, marked. */
  insert: (template: Template) => Promise<void>
  templates: () => Promise<Template[]>
  keepTemplate: (name: string, field: Template['field'], body: string) => Promise<Template[]>
  /** Offers one's own template no longer; what was inserted keeps its mark. */
  retireTemplate: (template: Template) => Promise<Template[]>
  versions: () => Promise<NoteVersion[]>
  version: (n: number) => Promise<NoteVersionView>
  readers: () => Promise<ReadView[]>
  /** Begins the note with what the patient declared, in Chinese whatever the screen speaks: that is the language of the
   *  record. Replaces nothing that was written. */
  fill: (current: CurrentPatient) => Promise<void>
  /** What happens next, and why where that sends the patient to a hospital. */
  setOutcome: (outcome: Outcome, reason?: string) => Promise<void>
  sign: (reason: string | null) => Promise<void>
  /** Opens a signed note for an amendment. */
  amend: () => void
  flush: () => Promise<void>
}

const open = new Set<() => Promise<void>>()

/** Before somebody signs out: what can still be saved is saved, and then nothing of it is left on this machine. */
export async function putAway(): Promise<void> {
  await Promise.allSettled([...open].map((flush) => flush()))
  await putSheetsAway()
  typedWords().forget()
  await Promise.all([unsavedNotes().forget(), unsentLines().forget()])
}

/** `again`: a visit that has ended and whose doctor goes on with it; its first read says so. */
export function useRecord(session: Session, live: Live, id: string, again = false): VisitRecord {
  const http = session.http
  const visit = shallowRef<VisitView | null>(null)
  const error = ref<ApiError | null>(null)
  const tick = ref(0)
  const unsaved = unsavedNotes()
  let note: Note | null = null
  let questionnaire: Questionnaire | null = null

  const load = newest(async () => {
    try {
      // Once it is open here, its doctor goes on with it, also after the signature.
      const view = await http.get<VisitView>(visit.value || again ? `/visits/${id}?purpose=continuity` : `/visits/${id}`)
      // Words that this machine kept are there before the doctor can type over them.
      if (!note) {
        const kept = await unsaved.read(id)
        note ??= begin(view.draft, kept)
      }
      visit.value = view
      error.value = null
      if (view.signed.length > 0 && !amending.value) note.lock()
    } catch (cause) {
      error.value = ApiError.from(cause)
    }
  })
  function begin(draft: NoteDraft, kept: Unsaved | null): Note {
    return new Note(
      draft,
      {
        save: (version, content) => http.put<NoteDraft>(`/visits/${id}/note`, { version, content }),
        merge: (version, content) => http.post<MergedNote>(`/visits/${id}/note/merge`, { version, content, purpose: 'continuity' }),
        later(act, ms) {
          const timer = setTimeout(act, ms)
          return () => clearTimeout(timer)
        },
        keep: (words) => void unsaved.write(id, words),
        changed: () => (tick.value += 1),
      },
      kept,
    )
  }
  const amending = ref(false)
  const state = computed<SaveState>(() => {
    void tick.value
    return visit.value && note ? note.state : { name: 'saved', at: null }
  })
  const wake = (): void => note?.wake()
  // Leaving with unsaved words: the browser asks, and this window keeps them.
  const leaving = (event: BeforeUnloadEvent): void => {
    if (note && !note.isSaved) event.preventDefault()
  }
  window.addEventListener('online', wake)
  window.addEventListener('beforeunload', leaving)
  const stop = live.subscribe(`visit:${id}`, null, (event) => {
    const { version } = event.data
    if (event.kind === 'note.saved') return typeof version === 'number' ? note?.heard(version) : undefined
    if (event.kind !== 'message.sent') void load()
  })
  const flush = async (): Promise<void> => await note?.flush()
  open.add(flush)
  void load()
  onScopeDispose(() => {
    stop()
    open.delete(flush)
    window.removeEventListener('online', wake)
    window.removeEventListener('beforeunload', leaving)
    // What is unsaved goes out now; the copy in this window is the second chance.
    void note?.flush().catch(() => undefined)
    note?.stop()
  })

  return {
    visit,
    content: computed(() => {
      void tick.value
      return visit.value && note ? note.content : null
    }),
    save: state,
    signed: computed(() => visit.value?.signed ?? []),
    amendment: computed(() => visit.value?.amendment ?? null),
    isArchived: computed(() => visit.value?.is_archived === true),
    error,
    refused: computed(() => (state.value.name === 'refused' ? state.value.error : null)),
    isLocked: computed(() => state.value.name === 'locked'),
    change: (part) => note?.change(part),
    resolve: async (choose) => await note?.resolve(choose),
    async insert(template) {
      if (!note) return
      await note.flush()
      note.adopt(await http.post<NoteDraft>(`/templates/${template.id}/insert`, { visit: id, version: note.version }))
    },
    templates: () => http.get<Template[]>('/templates'),
    keepTemplate: (name, field, body) => http.post<Template[]>('/templates', { name, field, body }),
    retireTemplate: ({ id: template, version }) => http.post<Template[]>(`/templates/${template}/retire`, { version }),
    versions: () => http.get<NoteVersion[]>(`/visits/${id}/note/versions`),
    version: (n) => http.get<NoteVersionView>(`/visits/${id}/note/versions/${n}`),
    readers: () => http.get<ReadView[]>(`/visits/${id}/readers`),
    async fill(current) {
      questionnaire ??= readQuestionnaire(await http.get<unknown>(`/questionnaires/${current.questionnaire}`))
      if (note) note.change(fillIn(note.content, prefill(questionnaire, current.answers, 'zh', current.waited)))
    },
    async setOutcome(outcome, reason) {
      visit.value = await http.post<VisitView>(`/visits/${id}/outcome`, { outcome, ...(reason === undefined ? {} : { reason }) })
    },
    async sign(reason) {
      if (!note) return
      await note.flush()
      const body = { version: note.version, ...(reason === null ? {} : { reason }) }
      visit.value = await http.post<VisitView>(`/visits/${id}/sign`, body)
      amending.value = false
      note.lock()
    },
    amend() {
      amending.value = true
      note?.unlock()
    },
    flush,
  }
}
