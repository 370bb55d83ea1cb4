import { ApiError } from '@/protocol/http'
import type { Answers, DeclarationView } from '@/protocol/types'

export type SaveState = 'saved' | 'waiting' | 'saving' | 'offline' | 'conflict' | 'refused'

export interface AutosaveOptions {
  /** Sends the changed answers against a version; answers with what the server now has. */
  save: (version: number, changed: Answers) => Promise<DeclarationView>
  /** Fetches what the server has, after a conflict. */
  fetch: () => Promise<DeclarationView>
  /** Told of every change of state, and of every newer view. */
  changed: (state: SaveState, view: DeclarationView, error: ApiError | null) => void
  later: (act: () => void, ms: number) => () => void
  /** Quiet time after a change before it is sent. */
  delayMs?: number
  retryMs?: number
}

/**
 * Saves answers one after another, never two requests at once, never a word lost: what could not be sent stays in
 * `pending` and is tried again; a conflict takes the server's answers and lays the unsent ones on top.
 */
export class Autosave {
  #view: DeclarationView
  #pending: Answers = {}
  #sending = false
  #cancel: (() => void) | null = null
  #idle: (() => void)[] = []
  readonly #options: AutosaveOptions

  constructor(view: DeclarationView, options: AutosaveOptions, unsent: Answers = {}) {
    this.#view = view
    this.#options = options
    this.#pending = { ...unsent }
    if (Object.keys(unsent).length > 0) this.#plan(0)
  }

  get view(): DeclarationView {
    return this.#view
  }
  /** What the server does not have yet. */
  get pending(): Answers {
    return this.#pending
  }
  /** The answers as the patient sees them. `null` takes one back. */
  get answers(): Answers {
    return merge(this.#view.answers, this.#pending)
  }

  set(linkId: string, value: unknown): void {
    this.#pending = { ...this.#pending, [linkId]: value }
    this.#say('waiting')
    this.#plan(this.#options.delayMs ?? 600)
  }

  /** Sends what is pending now, and resolves when nothing is left; rejects when it could not be sent. */
  async flush(): Promise<void> {
    this.#cancel?.()
    this.#cancel = null
    if (this.#sending) await new Promise<void>((resolve) => this.#idle.push(resolve))
    let tries = 0
    while (Object.keys(this.#pending).length > 0) {
      const error = await this.#send()
      tries += 1
      if (error && (error.code !== 'version.conflict' || tries > 3)) throw error
    }
  }

  /** The network came back. */
  wake(): void {
    if (Object.keys(this.#pending).length > 0) this.#plan(0)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #plan(ms: number): void {
    this.#cancel?.()
    this.#cancel = this.#options.later(() => {
      this.#cancel = null
      if (!this.#sending) void this.#send()
    }, ms)
  }

  async #send(): Promise<ApiError | null> {
    const batch = this.#pending
    if (Object.keys(batch).length === 0) return null
    this.#sending = true
    this.#say('saving')
    try {
      this.#view = await this.#options.save(this.#view.version, batch)
      this.#pending = without(this.#pending, batch)
      this.#finish(Object.keys(this.#pending).length > 0 ? 'waiting' : 'saved', null)
      if (Object.keys(this.#pending).length > 0 && !this.#cancel) this.#plan(this.#options.delayMs ?? 600)
      return null
    } catch (cause) {
      const error = ApiError.from(cause)
      await this.#recover(error, batch)
      return error
    }
  }

  async #recover(error: ApiError, batch: Answers): Promise<void> {
    if (error.code === 'version.conflict') {
      this.#view = await this.#options.fetch().catch(() => this.#view)
      this.#finish('conflict', error)
      this.#plan(this.#options.delayMs ?? 600)
    } else if (error.code === 'declaration.invalid') {
      // One bad answer must not hold the others back: it stays on the screen, marked, and is not sent again as it is.
      const bad = error.field
      if (bad !== undefined && bad in batch) this.#pending = without(this.#pending, { [bad]: batch[bad] })
      this.#finish('refused', error)
      if (Object.keys(this.#pending).length > 0) this.#plan(this.#options.delayMs ?? 600)
    } else {
      this.#finish(error.passes ? 'offline' : 'refused', error)
      if (error.passes) this.#plan(this.#options.retryMs ?? 5000)
    }
  }

  #finish(state: SaveState, error: ApiError | null): void {
    this.#sending = false
    this.#say(state, error)
    for (const wake of this.#idle.splice(0)) wake()
  }

  #say(state: SaveState, error: ApiError | null = null): void {
    this.#options.changed(state, this.#view, error)
  }
}

export function merge(base: Answers, over: Answers): Answers {
  const all = { ...base, ...over }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null && value !== undefined))
}

/** `pending` without what was sent, unless it changed again meanwhile. */
function without(pending: Answers, sent: Answers): Answers {
  return Object.fromEntries(Object.entries(pending).filter(([id, value]) => !(id in sent && sent[id] === value)))
}
