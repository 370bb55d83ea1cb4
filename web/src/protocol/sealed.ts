// What lies on this machine for a while, for nobody but this browser: encrypted, by a key that cannot be taken out of it.

/** Where sealed things lie; the browser's database, or a map in a test. */
export interface Drawer {
  get: (name: string) => Promise<unknown>
  put: (name: string, value: unknown) => Promise<void>
  remove: (name: string) => Promise<void>
  names: () => Promise<string[]>
  clear: () => Promise<void>
}

export interface Sealed {
  iv: Uint8Array<ArrayBuffer>
  bytes: ArrayBuffer
}

/** The name of the key among what it seals. */
export const KEY = 'key'

async function keyOf(drawer: Drawer): Promise<CryptoKey> {
  const kept = await drawer.get(KEY)
  if (kept instanceof CryptoKey) return kept
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  await drawer.put(KEY, made)
  return made
}

/** Whose it is is bound in: what belongs to one thing is never taken for another's. */
export async function seal(drawer: Drawer, whose: string, plain: BufferSource): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const additionalData = new TextEncoder().encode(whose)
  return { iv, bytes: await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, await keyOf(drawer), plain) }
}

/** Rejects what was damaged, or is another's. */
export async function unseal(drawer: Drawer, whose: string, { iv, bytes }: Sealed): Promise<ArrayBuffer> {
  return crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(whose) }, await keyOf(drawer), bytes)
}

/** One act after the other: what was said last holds. Storage may be forbidden or full, and without TLS there is no cipher: what was
 *  to be kept then lasts as long as the page. */
export class OneByOne {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(act: () => Promise<T>, otherwise: T): Promise<T> {
    const next = this.#last.then(act).catch(() => otherwise)
    this.#last = next
    return next
  }
}

/** A drawer of the browser's own. */
export function browserDrawer(database: string, table: string): Drawer {
  let opened: Promise<IDBDatabase> | null = null
  const open = (): Promise<IDBDatabase> =>
    (opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(database, 1)
      request.onupgradeneeded = () => request.result.createObjectStore(table)
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error ?? new Error('no database'))
    }))
  const run = async <T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const request = act((await open()).transaction(table, mode).objectStore(table))
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

/** A drawer that lasts as long as the page. */
export function pageDrawer(): Drawer & { kept: Map<string, unknown> } {
  const kept = new Map<string, unknown>()
  return {
    kept,
    get: (name) => Promise.resolve(kept.get(name)),
    put: (name, value) => Promise.resolve(void kept.set(name, value)),
    remove: (name) => Promise.resolve(void kept.delete(name)),
    names: () => Promise.resolve([...kept.keys()]),
    clear: () => Promise.resolve(kept.clear()),
  }
}
