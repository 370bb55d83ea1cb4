// One prescription that is being written. It saves itself under its own id and over the version that it was written upon,
// whatever else is shown meanwhile. What another window saved is never written over: a person is asked.

import { ApiError } from '@/protocol/http'
import type { HerbLine, Medicine, Prescription, RxContent, RxState } from '@/protocol/prescriptions'
import { canonical, RETRY_MS } from './note'

export const SHEET_SAVE_AFTER_MS = 700

export type SheetState =
  | { name: 'saved' }
  | { name: 'dirty' }
  | { name: 'saving' }
  /** Kept here; tried again by itself unless it was refused as it is. */
  | { name: 'failed'; error: ApiError }
  /** `newer` stands on the server, and what stands here was not written upon it. */
  | { name: 'conflict'; newer: Prescription }

export interface SheetPorts {
  save: (id: string, version: number, content: RxContent) => Promise<Prescription>
  later: (act: () => void, ms: number) => () => void
  changed: () => void
}

/** A line that is not whole yet: the server keeps no half of one. */
export type Begun = HerbLine | Medicine

export class Sheet {
  readonly id: string
  readonly #ports: SheetPorts
  /** What the words here were written upon. */
  #read: Prescription
  #content: RxContent
  #state: SheetState = { name: 'saved' }
  /** Sent, and not answered: when one of it stands on the server, it was this window. */
  #unanswered: readonly RxContent[] = []
  #saving: Promise<void> | null = null
  /** Read while a save was under way; its answer comes first. */
  #late: Prescription | null = null
  #cancel: (() => void) | null = null
  #retries = 0
  #stopped = false
  #wrong: Readonly<Record<string, string>> = {}
  #begun: Begun | null = null

  constructor(read: Prescription, ports: SheetPorts) {
    this.id = read.id
    this.#ports = ports
    this.#read = read
    this.#content = read.content
  }

  get one(): Prescription {
    return this.#read
  }
  get version(): number {
    return this.#read.version
  }
  get content(): RxContent {
    return this.#content
  }
  get state(): SheetState {
    return this.#state
  }
  get isSaved(): boolean {
    return this.#state.name === 'saved'
  }

  /** What was typed and cannot be, by its field: `doses`, `grams-2`. It stands there until it is another; the sheet keeps
   *  what it had, and is not signed. */
  get wrong(): Readonly<Record<string, string>> {
    return this.#wrong
  }
  get begun(): Begun | null {
    return this.#begun
  }
  /** Nothing was typed here that the sheet does not hold. */
  get isWhole(): boolean {
    return Object.keys(this.#wrong).length === 0 && !isStarted(this.#begun)
  }
  /** `typed` cannot be what `field` holds; `null`: it can again. */
  mistype(field: string, typed: string | null): void {
    const rest = { ...this.#wrong }
    delete rest[field]
    this.#wrong = typed === null ? rest : { ...rest, [field]: typed }
    this.#ports.changed()
  }
  begin(line: Begun | null): void {
    this.#begun = line
    this.#ports.changed()
  }
  /** A line is gone: what was mistyped on those after it moves up with them. */
  removed(index: number): void {
    this.#move((at) => (at === index ? null : at > index ? at - 1 : at))
  }

  change(content: RxContent): void {
    this.#content = content
    if (this.#state.name === 'conflict') return this.#ports.changed()
    this.#plan(SHEET_SAVE_AFTER_MS)
  }

  /** Saves now, and waits until nothing here is unsaved. Rejects with what is in the way. */
  async flush(): Promise<void> {
    if (this.#saving) await this.#saving
    while (!this.isSaved) {
      if (this.#state.name !== 'conflict') await this.#save()
      this.#passOrThrow()
    }
  }

  /** Saved once more as it is: what it is judged by has changed. */
  async judgeAgain(): Promise<void> {
    if (this.#saving) await this.#saving
    if (this.#state.name !== 'conflict') await this.#save()
    this.#passOrThrow()
  }

  /** It was read: after an event, or after an act of this window. */
  heard(view: Prescription): void {
    const newest = this.#state.name === 'conflict' ? this.#state.newer : this.#read
    if (view.version < newest.version) return
    if (this.#saving) {
      this.#late = view
      return
    }
    if (this.isSaved) return this.#adopt(view)
    if (this.#state.name === 'conflict' || !this.#goesOnFrom(view)) return this.#ask(view)
    this.#read = view
    this.#ports.changed()
  }

  /** The doctor decided between both. */
  async resolve(choice: 'mine' | 'theirs'): Promise<void> {
    if (this.#state.name !== 'conflict') return
    const { newer } = this.#state
    if (choice === 'theirs' || !isMineToChange(newer.state)) return this.#adopt(newer)
    this.#read = newer
    await this.#save()
  }

  /** The network is back. */
  wake(): void {
    if (this.#state.name === 'failed' && passes(this.#state.error)) this.#plan(0)
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #passOrThrow(): void {
    if (this.#state.name === 'failed') throw this.#state.error
    if (this.#state.name === 'conflict') throw new ApiError('version.conflict', 409, 'a newer version was saved')
  }

  /** Unsaved words go out after `ms`, or after the save that is under way. */
  #plan(ms: number): void {
    if (this.#state.name === 'saving') return this.#ports.changed()
    this.#set({ name: 'dirty' })
    this.#later(ms)
  }

  #later(ms: number): void {
    this.#cancel?.()
    if (!this.#stopped) this.#cancel = this.#ports.later(() => void this.#save(), ms)
  }

  #save(): Promise<void> {
    this.#cancel?.()
    this.#saving ??= this.#send().finally(() => {
      this.#saving = null
      const late = this.#late
      this.#late = null
      if (late) this.heard(late)
    })
    return this.#saving
  }

  async #send(): Promise<void> {
    const sent = this.#content
    this.#unanswered = [...this.#unanswered.filter((one) => one !== sent), sent]
    this.#set({ name: 'saving' })
    for (;;) {
      try {
        return this.#goOn(await this.#ports.save(this.id, this.#read.version, sent), sent)
      } catch (cause) {
        const error = ApiError.from(cause)
        const newer = error.details['newer'] as Prescription | undefined
        if (error.code !== 'version.conflict' || newer?.id !== this.id) return this.#failed(error, sent)
        if (newer.state === 'draft' && same(newer.content, sent)) return this.#goOn(newer, sent)
        if (!this.#goesOnFrom(newer)) return this.#ask(newer)
        // Nothing was written over meanwhile: the same words go upon it.
        this.#read = newer
      }
    }
  }

  /** `sent` stands on the server; what was typed on since is saved after it. */
  #goOn(view: Prescription, sent: RxContent): void {
    this.#retries = 0
    this.#unanswered = []
    if (this.#content === sent) return this.#adopt(view)
    this.#read = view
    this.#set({ name: 'dirty' })
    this.#later(SHEET_SAVE_AFTER_MS)
  }

  #failed(error: ApiError, sent: RxContent): void {
    this.#set({ name: 'failed', error })
    if (passes(error)) {
      this.#later(RETRY_MS[Math.min(this.#retries, RETRY_MS.length - 1)] ?? 15_000)
      this.#retries += 1
      return
    }
    this.#unanswered = this.#unanswered.filter((one) => one !== sent)
    if (this.#content !== sent) this.#later(SHEET_SAVE_AFTER_MS)
  }

  #ask(newer: Prescription): void {
    this.#cancel?.()
    this.#set({ name: 'conflict', newer })
  }

  /** Nothing of it is new but what this window said itself, and no signature would be taken back unseen. */
  #goesOnFrom(view: Prescription): boolean {
    const isKnown = [this.#read.content, ...this.#unanswered].some((one) => same(view.content, one))
    return isKnown && (view.state === this.#read.state || view.state === 'draft' || view.state === 'returned')
  }

  #adopt(view: Prescription): void {
    this.#cancel?.()
    this.#read = view
    const [before, now] = [this.#content.herbal?.lines ?? [], view.content.herbal?.lines ?? []]
    // The server puts the lines in the order of their roles: what was mistyped on one goes with it.
    const places = before.map((line, at) => {
      const is = (one: HerbLine | undefined): boolean => one?.written === line.written && one.mg === line.mg
      return is(now[at]) ? at : now.findIndex(is)
    })
    if (view.content.herbal && places.some((place, at) => place !== at) && places.every((place) => place >= 0)) this.#move((at) => places[at] ?? at)
    this.#content = view.content
    this.#unanswered = []
    this.#set({ name: 'saved' })
  }

  #move(to: (at: number) => number | null): void {
    const moved = Object.entries(this.#wrong).flatMap(([field, typed]) => {
      const [, name, at] = /^(.+)-(\d+)$/.exec(field) ?? []
      const place = name === undefined ? undefined : to(Number(at))
      return place === null ? [] : [[place === undefined ? field : `${name}-${place}`, typed] as const]
    })
    this.#wrong = Object.fromEntries(moved)
  }

  #set(state: SheetState): void {
    this.#state = state
    this.#ports.changed()
  }
}

/** Whether the sheet is still the doctor's to write; a signature is withdrawn by it. */
export function isMineToChange(state: RxState): boolean {
  return state === 'draft' || state === 'signed' || state === 'returned'
}

/** Whether somebody began to write a line: one with nothing on it is none. */
function isStarted(line: Begun | null): boolean {
  if (line === null) return false
  return ('written' in line ? [line.written] : [line.name, line.strength, line.dose]).some((text) => text.trim() !== '')
}

/** A whole number as somebody types it, where it can be; `null` where it cannot. */
export function whole(typed: string, least: number, most: number): number | null {
  const value = Number(typed.trim())
  return /^\d{1,6}$/.test(typed.trim()) && value >= least && value <= most ? value : null
}

/** Tried again by itself; also over what is read meanwhile. */
function passes(error: ApiError): boolean {
  return error.passes || error.code === 'version.conflict'
}

/** The server sorts the lines by their roles; their order says nothing more. */
function same(a: RxContent, b: RxContent): boolean {
  const spelled = ({ herbal, medicines }: RxContent): string => canonical({ herbal: herbal && { ...herbal, lines: herbal.lines.map(canonical).sort() }, medicines })
  return spelled(a) === spelled(b)
}
