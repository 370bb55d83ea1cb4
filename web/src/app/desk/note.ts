// The note that is being written: saved two seconds after the first unsaved change, with the version that it changes.
// Who types on without a pause is saved all the same.
// Nothing typed is lost by a failed save, a conflict or a reload: what another window saved meanwhile is merged by the
// server field by field, and only where both wrote into one place is a person asked.

import { ApiError } from '@/protocol/http'
import type { FieldConflict, MergedNote } from '@/protocol/record'
import type { NoteDraft } from '@/protocol/staff'
import type { NoteContent, Vitals } from '@/protocol/types'

export const SAVE_AFTER_MS = 2_000
export const RETRY_MS = [2_000, 4_000, 8_000, 15_000] as const

export const EMPTY_NOTE: NoteContent = {
  complaint: '',
  history: '',
  background: '',
  vitals: { temperature: null, heart_rate: null, respiratory_rate: null, oxygen_saturation: null, systolic: null, diastolic: null },
  examination: '',
  diagnosis: '',
  advice: '',
}

export type SaveState =
  | { name: 'saved'; at: number | null }
  | { name: 'dirty' }
  | { name: 'saving' }
  /** Kept here; tried again by itself. */
  | { name: 'offline'; error: ApiError }
  /** Not as it is: a field is wrong. */
  | { name: 'refused'; error: ApiError }
  /** Both wrote into one place; `merged` says where. */
  | { name: 'conflict'; merged: MergedNote }
  | { name: 'locked' }

export interface NotePorts {
  save: (version: number, content: NoteContent) => Promise<NoteDraft>
  /** What is saved and what stands here as one; nothing is saved by it. */
  merge: (version: number, content: NoteContent) => Promise<MergedNote>
  later: (act: () => void, ms: number) => () => void
  /** Keeps unsaved words over a reload of this window; `null`: everything is saved. */
  keep: (unsaved: { version: number; content: NoteContent } | null) => void
  changed: () => void
}

export class Note {
  readonly #ports: NotePorts
  #version: number
  #content: NoteContent
  /** What the server has, as far as it is known here. */
  #saved: NoteContent
  /** What was written here until it was signed: it stands aside until the note is amended. */
  #aside: { version: number; content: NoteContent } | null = null
  #state: SaveState
  #cancel: (() => void) | null = null
  /** A save is on its way to happen; typing on does not put it off. */
  #due = false
  #saving: Promise<void> | null = null
  #retries = 0
  #stopped = false

  constructor(draft: NoteDraft, ports: NotePorts, unsaved: { version: number; content: NoteContent } | null = null) {
    this.#ports = ports
    this.#version = draft.version
    this.#content = this.#saved = draft.content
    this.#state = { name: 'saved', at: draft.saved_at }
    if (!unsaved || same(unsaved.content, draft.content)) return
    this.#content = unsaved.content
    // A newer version was saved meanwhile: the first save is refused, and both are merged.
    this.#version = unsaved.version
    this.#plan(0)
  }

  get version(): number {
    return this.#version
  }
  get content(): NoteContent {
    return this.#content
  }
  get state(): SaveState {
    return this.#state
  }
  get isSaved(): boolean {
    return this.#state.name === 'saved' || this.#state.name === 'locked'
  }

  change(part: Partial<NoteContent>): void {
    if (this.#state.name === 'locked') return
    this.#content = { ...this.#content, ...part }
    this.#ports.keep({ version: this.#version, content: this.#content })
    if (this.#state.name === 'conflict' || this.#due) return this.#ports.changed()
    this.#plan(SAVE_AFTER_MS)
  }

  /** Saves now, and waits until nothing here is unsaved. Rejects with what is in the way. */
  async flush(): Promise<void> {
    if (this.#saving) await this.#saving
    if (this.#state.name === 'conflict') throw overtaken()
    // What was typed meanwhile, or made one with another window's words, is saved as well.
    while (!this.isSaved) {
      await this.#save()
      const inTheWay = this.#inTheWay()
      if (inTheWay) throw inTheWay
    }
  }

  /** The doctor decided on each place. What was typed meanwhile is merged as well; a new conflict is asked about. */
  async resolve(choose: (conflict: FieldConflict) => 'mine' | 'theirs'): Promise<void> {
    if (this.#state.name !== 'conflict') return
    const asked = new Set(this.#state.merged.conflicts.map(fingerprint))
    const merged = await this.#merge()
    if (!merged) return
    if (merged.conflicts.some((one) => !asked.has(fingerprint(one)))) return this.#set({ name: 'conflict', merged })
    const mine = merged.conflicts.filter((one) => choose(one) === 'mine')
    this.#take(merged, mine.reduce((content, one) => put(content, one.path, one.mine), merged.content))
  }

  /** The server wrote into the draft at this doctor's wish. */
  adopt(draft: NoteDraft): void {
    if (this.#state.name === 'locked') {
      // Words that stand aside were written upon the version before: they are merged with it.
      if (this.#aside && same(this.#aside.content, this.#saved)) this.#late(draft, this.#aside.content)
      return
    }
    this.#version = draft.version
    this.#content = this.#saved = draft.content
    this.#ports.keep(null)
    this.#set({ name: 'saved', at: draft.saved_at })
  }

  /** Another window of the same doctor saved `version`: it is merged before this window writes over it. */
  heard(version: number): void {
    if (version <= this.#version || this.#saving || this.#state.name === 'conflict' || this.#state.name === 'locked') return
    void this.#reconcile()
  }

  /** Signed: nothing changes any more. Words that were not saved are none of what was signed: they leave the page, and are
   *  kept on this machine. */
  lock(): void {
    if (this.#state.name === 'locked') return
    this.#cancel?.()
    this.#due = false
    this.#aside = { version: this.#version, content: this.#content }
    this.#ports.keep(same(this.#content, this.#saved) ? null : this.#aside)
    this.#content = this.#saved
    this.#set({ name: 'locked' })
  }
  /** It is amended: it goes on from where it was, and with what stood aside. */
  unlock(): void {
    if (this.#state.name !== 'locked') return
    if (this.#aside) ({ version: this.#version, content: this.#content } = this.#aside)
    this.#aside = null
    if (same(this.#content, this.#saved)) return this.#set({ name: 'saved', at: null })
    this.#plan(0)
  }

  /** The network is back. */
  wake(): void {
    if (this.#state.name === 'offline') this.#plan(0)
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #inTheWay(): ApiError | null {
    const state = this.#state
    if (state.name === 'offline' || state.name === 'refused') return state.error
    return state.name === 'conflict' ? overtaken() : null
  }

  #plan(ms: number): void {
    this.#cancel?.()
    this.#due = true
    this.#set({ name: 'dirty' })
    this.#cancel = this.#ports.later(() => void this.#save(), ms)
  }

  #save(): Promise<void> {
    this.#cancel?.()
    this.#due = false
    this.#saving ??= this.#send().finally(() => (this.#saving = null))
    return this.#saving
  }

  async #send(): Promise<void> {
    const sent = this.#content
    this.#set({ name: 'saving' })
    try {
      const saved = await this.#ports.save(this.#version, sent)
      this.#retries = 0
      if (this.#state.name === 'locked') return this.#late(saved, sent)
      this.#version = saved.version
      this.#saved = saved.content
      if (this.#content === sent) {
        // With the names and marks that the server wrote into it.
        this.#content = saved.content
        this.#ports.keep(null)
        this.#set({ name: 'saved', at: saved.saved_at })
      } else {
        this.#ports.keep({ version: this.#version, content: this.#content })
        if (!this.#stopped) this.#plan(SAVE_AFTER_MS)
      }
    } catch (cause) {
      await this.#failed(ApiError.from(cause))
    }
  }

  /** Saved after it was signed in another window: what was signed stays on the page, and this is taken up by an amendment. */
  #late(saved: NoteDraft, sent: NoteContent): void {
    const typed = this.#aside && this.#aside.content !== sent ? this.#aside.content : null
    this.#saved = saved.content
    this.#aside = { version: saved.version, content: typed ?? saved.content }
    this.#ports.keep(typed && this.#aside)
  }

  async #failed(error: ApiError): Promise<void> {
    if (this.#state.name === 'locked') return
    if (error.code === 'version.conflict') return this.#reconcile()
    if (error.code === 'note.already_signed') return this.lock()
    if (!error.passes) return this.#set({ name: 'refused', error })
    this.#set({ name: 'offline', error })
    const wait = RETRY_MS[Math.min(this.#retries, RETRY_MS.length - 1)] ?? 15_000
    this.#retries += 1
    this.#cancel?.()
    if (!this.#stopped) this.#cancel = this.#ports.later(() => void this.#save(), wait)
  }

  async #reconcile(): Promise<void> {
    let merged: MergedNote | null
    try {
      merged = await this.#merge()
    } catch (cause) {
      const error = ApiError.from(cause)
      return this.#failed(error.code === 'version.conflict' ? new ApiError('network', 0, error.message) : error)
    }
    if (!merged) return
    if (merged.conflicts.length > 0) return this.#set({ name: 'conflict', merged })
    this.#take(merged, merged.content)
  }

  /** Both as one, with every word that was typed until it came. `null`: signed meanwhile, and nothing changes any more. */
  async #merge(): Promise<MergedNote | null> {
    for (;;) {
      const [version, content] = [this.#version, this.#content]
      const merged = await this.#ports.merge(version, content)
      if (this.#state.name === 'locked') return null
      if (this.#content === content && this.#version === version) return merged
    }
  }

  /** Goes on from the newest version with this content; it is saved unless nothing of it is new. */
  #take(merged: MergedNote, content: NoteContent): void {
    this.#version = merged.version
    this.#content = content
    this.#saved = merged.theirs
    if (!same(content, merged.theirs)) {
      this.#ports.keep({ version: merged.version, content })
      return this.#plan(0)
    }
    this.#cancel?.()
    this.#due = false
    this.#ports.keep(null)
    this.#set({ name: 'saved', at: merged.saved_at })
  }

  #set(state: SaveState): void {
    this.#state = state
    this.#ports.changed()
  }
}

function overtaken(): ApiError {
  return new ApiError('version.conflict', 409, 'a newer version was saved')
}

function fingerprint(conflict: FieldConflict): string {
  return canonical(conflict)
}

/** A note with another value at one place; what it names is not there is made. */
export function put(content: NoteContent, path: readonly string[], value: unknown): NoteContent {
  const [first, ...rest] = path
  if (first === undefined) return value as NoteContent
  const inner = (within: unknown, names: readonly string[]): unknown => {
    const [name, ...deeper] = names
    if (name === undefined) return value
    if (Array.isArray(within)) {
      // Members of a list are known by their code.
      return within.map((one: unknown) => ((one as { code?: string }).code === name ? inner(one, deeper) : one))
    }
    const object = { ...(within as Record<string, unknown> | null | undefined) }
    const made = inner(object[name], deeper)
    if (made === null || made === undefined) delete object[name]
    else object[name] = made
    return object
  }
  return inner(content, [first, ...rest]) as NoteContent
}

/** One spelling of a value: keys in order, what is empty left out. */
export function canonical(value: unknown): string {
  const plain = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(plain)
    if (typeof one !== 'object' || one === null) return one
    const entries = Object.entries(one as Record<string, unknown>).map(([name, inner]) => [name, plain(inner)] as const)
    const said = entries.filter(([, inner]) => !isEmpty(inner))
    return Object.fromEntries(said.sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  return JSON.stringify(plain(value))
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === false) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function same(a: NoteContent, b: NoteContent): boolean {
  return differing(a, b).length === 0
}

/** The fields in which two texts differ; what the server writes beside them is none. */
export function differing(a: NoteContent, b: NoteContent): (keyof NoteContent)[] {
  const fields = [...(Object.keys(EMPTY_NOTE) as (keyof NoteContent)[]), 'exams', 'diagnoses', 'principle'] as const
  const said = (content: NoteContent, field: keyof NoteContent): string => canonical({ [field]: content[field] })
  return fields.filter((field) => said(a, field) !== said(b, field))
}

/** Whether a note says what is treated: coded, or in words with a letter in them. A prescription waits for it too. */
export function isDiagnosed({ diagnosis, diagnoses }: NoteContent): boolean {
  return (diagnoses ?? []).length > 0 || /[\p{L}\p{N}]/u.test(diagnosis)
}

/** What signing still needs. */
export type Unsigned = 'diagnosis' | 'advice' | 'pulse' | 'stain'
export function unsignable(content: NoteContent): Unsigned | null {
  if (!isDiagnosed(content)) return 'diagnosis'
  if (content.advice.trim() === '') return 'advice'
  const exams = content.exams
  if (!exams || canonical(exams) === '{}') return null
  const { pulse, tongue } = exams
  const felt = pulse?.state === 'taken' && (canonical([pulse.left ?? {}, pulse.right ?? {}]) !== '[{},{}]' || (pulse.words ?? '').trim() !== '')
  if (pulse?.state !== 'not_taken' && !felt) return 'pulse'
  return tongue?.coating?.includes('coating.stained') && tongue.stained_within_2h === undefined ? 'stain' : null
}

/** Characters of one field of words. */
export const WORDS_LIMIT = 4000
/** Terms in one field. */
export const TERMS_LIMIT = 20
/** Weeks of a pregnancy. */
export const WEEKS_LIMIT = [1, 44] as const

/** The limits of the protocol: a typing error must not become a vital sign. */
export const VITAL_LIMITS: Readonly<Record<keyof Vitals, readonly [number, number]>> = {
  temperature: [30, 45],
  heart_rate: [20, 300],
  respiratory_rate: [4, 120],
  oxygen_saturation: [30, 100],
  systolic: [40, 300],
  diastolic: [20, 200],
}
