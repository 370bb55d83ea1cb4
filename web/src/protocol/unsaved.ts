// Unsaved words of a note, kept on this machine until the server has them: encrypted, by a key that cannot be taken out of
// the browser, and gone when its doctor signs out. Each window keeps its own; what a closed window left is taken up by the
// next that opens the note.

import { browserDrawer, OneByOne, seal, unseal, type Drawer, type Sealed } from './sealed'
import type { NoteContent } from './types'

export type { Drawer } from './sealed'

export interface Unsaved {
  version: number
  content: NoteContent
}

export class UnsavedNotes {
  readonly #drawer: Drawer
  readonly #window: string
  /** Windows that are open now. */
  readonly #open: () => Promise<readonly string[]>
  readonly #acts = new OneByOne()

  constructor(drawer: Drawer, window: string, open: () => Promise<readonly string[]>) {
    this.#drawer = drawer
    this.#window = window
    this.#open = open
  }

  /** What is unsaved of this note; what cannot be read is as good as absent. */
  read(note: string): Promise<Unsaved | null> {
    return this.#acts.run(async () => {
      const own = await this.#unseal(`${note}/${this.#window}`)
      if (own) return own
      const open = await this.#open()
      for (const name of await this.#drawer.names()) {
        const [of, window] = name.split('/')
        if (of !== note || window === undefined || open.includes(window)) continue
        const left = await this.#unseal(name)
        await this.#drawer.remove(name)
        if (!left) continue
        await this.#seal(`${note}/${this.#window}`, left)
        return left
      }
      return null
    }, null)
  }

  /** Keeps these words, or forgets them: `null` says that everything is saved. */
  write(note: string, unsaved: Unsaved | null): Promise<void> {
    const name = `${note}/${this.#window}`
    return this.#acts.run(() => (unsaved === null ? this.#drawer.remove(name) : this.#seal(name, unsaved)), undefined)
  }

  /** Forgets everything, and the key with it. */
  forget(): Promise<void> {
    return this.#acts.run(() => this.#drawer.clear(), undefined)
  }

  async #seal(name: string, unsaved: Unsaved): Promise<void> {
    const plain = new TextEncoder().encode(JSON.stringify(unsaved))
    await this.#drawer.put(name, await seal(this.#drawer, noteOf(name), plain))
  }

  async #unseal(name: string): Promise<Unsaved | null> {
    const sealed = (await this.#drawer.get(name)) as Sealed | undefined
    if (!sealed) return null
    try {
      const plain = await unseal(this.#drawer, noteOf(name), sealed)
      const { version, content } = JSON.parse(new TextDecoder().decode(plain)) as Partial<Unsaved>
      return typeof version === 'number' && typeof content === 'object' && typeof content.complaint === 'string' ? { version, content } : null
    } catch {
      return null
    }
  }
}

function noteOf(name: string): string {
  return name.split('/')[0] ?? ''
}

/** This window's name; the same after a reload. While it is open it holds a lock by that name. */
function thisWindow(): string {
  let name: string = crypto.randomUUID()
  try {
    name = sessionStorage.getItem('yunzhen.window') ?? name
    sessionStorage.setItem('yunzhen.window', name)
  } catch {
    // Then a reload is another window.
  }
  if ('locks' in navigator) void navigator.locks.request(`yunzhen.window.${name}`, () => new Promise(() => undefined)).catch(() => undefined)
  return name
}

async function openWindows(): Promise<readonly string[]> {
  const { held = [] } = await navigator.locks.query()
  return held.map((lock) => (lock.name ?? '').replace('yunzhen.window.', ''))
}

let notes: UnsavedNotes | null = null
/** The unsaved notes of this browser. */
export function unsavedNotes(): UnsavedNotes {
  return (notes ??= new UnsavedNotes(browserDrawer('yunzhen-unsaved', 'unsaved'), thisWindow(), openWindows))
}
