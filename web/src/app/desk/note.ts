// The note that is being written: saved two seconds after the first unsaved change, with the version that it changes.
// Who types on without a pause is saved all the same.
// Nothing typed is lost by a failed save, a conflict or a reload.

import { ApiError } from '@/protocol/http'
import type { NoteDraft } from '@/protocol/staff'
import type { NoteContent, Vitals } from '@/protocol/types'

export const SAVE_AFTER_MS = 2_000
const RETRY_MS = [2_000, 4_000, 8_000, 15_000] as const

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
  /** Somebody saved a newer version; `theirs` is it. */
  | { name: 'conflict'; theirs: NoteDraft }
  | { name: 'locked' }

export interface NotePorts {
  save: (version: number, content: NoteContent) => Promise<NoteDraft>
  fetch: () => Promise<NoteDraft>
  later: (act: () => void, ms: number) => () => void
  /** Keeps unsaved words over a reload of this window; `null`: everything is saved. */
  keep: (unsaved: { version: number; content: NoteContent } | null) => void
  changed: () => void
}

export class Note {
  readonly #ports: NotePorts
  #version: number
  #content: NoteContent
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
    this.#content = draft.content
    this.#state = { name: 'saved', at: draft.saved_at }
    if (!unsaved || same(unsaved.content, draft.content)) return
    this.#content = unsaved.content
    if (unsaved.version === draft.version) this.#plan(0)
    else this.#state = { name: 'conflict', theirs: draft }
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

  /** Saves now, and waits for it. Rejects with what is in the way. */
  async flush(): Promise<void> {
    if (this.#saving) await this.#saving
    if (this.#state.name === 'conflict') throw new ApiError('version.conflict', 409, 'a newer version was saved')
    if (!this.isSaved) await this.#save()
    const state = this.state
    if (state.name === 'offline' || state.name === 'refused') throw state.error
    if (state.name === 'conflict') throw new ApiError('version.conflict', 409, 'a newer version was saved')
  }

  /** The doctor read both: mine goes on top of theirs, or theirs it is. */
  resolve(choice: 'mine' | 'theirs'): void {
    if (this.#state.name !== 'conflict') return
    const { theirs } = this.#state
    this.#version = theirs.version
    if (choice === 'mine') return this.#plan(0)
    this.#content = theirs.content
    this.#ports.keep(null)
    this.#set({ name: 'saved', at: theirs.saved_at })
  }

  /** Signed: nothing changes any more. */
  lock(): void {
    this.#cancel?.()
    this.#due = false
    this.#ports.keep(null)
    this.#set({ name: 'locked' })
  }
  unlock(): void {
    if (this.#state.name === 'locked') this.#set({ name: 'saved', at: null })
  }

  /** The network is back. */
  wake(): void {
    if (this.#state.name === 'offline') this.#plan(0)
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
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
      this.#version = saved.version
      this.#retries = 0
      if (this.#content === sent) {
        this.#ports.keep(null)
        this.#set({ name: 'saved', at: saved.saved_at })
      } else {
        this.#ports.keep({ version: this.#version, content: this.#content })
        if (!this.#stopped) this.#plan(SAVE_AFTER_MS)
      }
    } catch (cause) {
      await this.#failed(ApiError.from(cause), sent)
    }
  }

  async #failed(error: ApiError, sent: NoteContent): Promise<void> {
    if (error.code === 'version.conflict') {
      const theirs = await this.#ports.fetch().catch(() => null)
      // An answer that was lost: the newer version is our own.
      if (theirs && same(theirs.content, sent)) {
        this.#version = theirs.version
        return this.#content === sent ? this.#set({ name: 'saved', at: theirs.saved_at }) : this.#plan(SAVE_AFTER_MS)
      }
      if (theirs) return this.#set({ name: 'conflict', theirs })
    }
    if (error.code === 'note.already_signed') return this.lock()
    if (error.status >= 400 && error.status < 500 && error.status !== 401 && error.status !== 429 && error.code !== 'version.conflict') {
      return this.#set({ name: 'refused', error })
    }
    this.#set({ name: 'offline', error })
    const wait = RETRY_MS[Math.min(this.#retries, RETRY_MS.length - 1)] ?? 15_000
    this.#retries += 1
    this.#cancel?.()
    if (!this.#stopped) this.#cancel = this.#ports.later(() => void this.#save(), wait)
  }

  #set(state: SaveState): void {
    this.#state = state
    this.#ports.changed()
  }
}

function same(a: NoteContent, b: NoteContent): boolean {
  return differing(a, b).length === 0
}

/** The fields in which two texts differ, for showing both. */
export function differing(a: NoteContent, b: NoteContent): (keyof NoteContent)[] {
  return (Object.keys(EMPTY_NOTE) as (keyof NoteContent)[]).filter((field) =>
    field === 'vitals' ? (Object.keys(EMPTY_NOTE.vitals) as (keyof Vitals)[]).some((name) => (a.vitals[name] ?? null) !== (b.vitals[name] ?? null)) : (a[field] ?? '') !== (b[field] ?? ''),
  )
}

/** What signing still needs. */
export function unsignable(content: NoteContent): 'diagnosis' | 'advice' | null {
  if (content.diagnosis.trim() === '') return 'diagnosis'
  return content.advice.trim() === '' ? 'advice' : null
}

/** The limits of the protocol: a typing error must not become a vital sign. */
export const VITAL_LIMITS: Readonly<Record<keyof Vitals, readonly [number, number]>> = {
  temperature: [30, 45],
  heart_rate: [20, 300],
  respiratory_rate: [4, 120],
  oxygen_saturation: [30, 100],
  systolic: [40, 300],
  diastolic: [20, 200],
}
