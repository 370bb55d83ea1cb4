// Unsaved words of a note, kept on this machine until the server has them: encrypted, by a key that cannot be taken out of
// the browser, and gone when its doctor signs out. Each window keeps its own; what a closed window left is taken up by the
// next that opens the note.

import type { NoteContent } from './types'

export interface Unsaved {
  version: number
  content: NoteContent
}

/** Where sealed words lie; the browser's database, or a map in a test. */
export interface Drawer {
  get: (name: string) => Promise<unknown>
  put: (name: string, value: unknown) => Promise<void>
  remove: (name: string) => Promise<void>
  names: () => Promise<string[]>
  clear: () => Promise<void>
}

interface Sealed {
  iv: Uint8Array<ArrayBuffer>
  bytes: ArrayBuffer
}

const KEY = 'key'

export class UnsavedNotes {
  readonly #drawer: Drawer
  readonly #window: string
  /** Windows that are open now. */
  readonly #open: () => Promise<readonly string[]>
  /** One act after the other: the last words win. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(drawer: Drawer, window: string, open: () => Promise<readonly string[]>) {
    this.#drawer = drawer
    this.#window = window
    this.#open = open
  }

  /** What is unsaved of this note; what cannot be read is as good as absent. */
  read(note: string): Promise<Unsaved | null> {
    return this.#queue(async () => {
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
    return this.#queue(() => (unsaved === null ? this.#drawer.remove(name) : this.#seal(name, unsaved)), undefined)
  }

  /** Forgets everything, and the key with it. */
  forget(): Promise<void> {
    return this.#queue(() => this.#drawer.clear(), undefined)
  }

  async #key(): Promise<CryptoKey> {
    const kept = await this.#drawer.get(KEY)
    if (kept instanceof CryptoKey) return kept
    const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
    await this.#drawer.put(KEY, made)
    return made
  }

  async #seal(name: string, unsaved: Unsaved): Promise<void> {
    const iv = crypto.getRandomValues(new Uint8Array(12))
    // The name is bound in: words of one note are never taken for another's.
    const additionalData = new TextEncoder().encode(name.split('/')[0])
    const bytes = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, await this.#key(), new TextEncoder().encode(JSON.stringify(unsaved)))
    await this.#drawer.put(name, { iv, bytes } satisfies Sealed)
  }

  async #unseal(name: string): Promise<Unsaved | null> {
    const sealed = (await this.#drawer.get(name)) as Sealed | undefined
    if (!sealed) return null
    try {
      const additionalData = new TextEncoder().encode(name.split('/')[0])
      const bytes = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.iv, additionalData }, await this.#key(), sealed.bytes)
      const { version, content } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Unsaved>
      return typeof version === 'number' && typeof content === 'object' && typeof content.complaint === 'string' ? { version, content } : null
    } catch {
      return null
    }
  }

  /** Storage may be forbidden or full, and without TLS there is no cipher: the words then last as long as the page. */
  #queue<T>(act: () => Promise<T>, otherwise: T): Promise<T> {
    const next = this.#last.then(act).catch(() => otherwise)
    this.#last = next
    return next
  }
}

function browserDrawer(): Drawer {
  let opened: Promise<IDBDatabase> | null = null
  const open = (): Promise<IDBDatabase> =>
    (opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open('yunzhen-unsaved', 1)
      request.onupgradeneeded = () => request.result.createObjectStore('unsaved')
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error ?? new Error('no database'))
    }))
  const run = async <T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const request = act((await open()).transaction('unsaved', mode).objectStore('unsaved'))
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error ?? new Error('not stored'))
    })
  }
  return {
    get: (name) => run<unknown>('readonly', (store) => store.get(name) as IDBRequest<unknown>),
    put: async (name, value) => void (await run('readwrite', (store) => store.put(value, name))),
    remove: async (name) => void (await run('readwrite', (store) => store.delete(name))),
    names: async () => (await run('readonly', (store) => store.getAllKeys())).map(String),
    clear: async () => void (await run('readwrite', (store) => store.clear())),
  }
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
  return (notes ??= new UnsavedNotes(browserDrawer(), thisWindow(), openWindows))
}
