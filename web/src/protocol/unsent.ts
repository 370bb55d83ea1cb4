// Lines of a conversation that the server does not have yet, kept on this machine until it does: a page that is loaded anew, or was
// killed in a pocket, sends them as if nothing had been. Each has its id from the first try on, so it is said once. They go
// with the visit; where it ended unheard, because the page was closed, when the app is next opened half a day after they were written.

import { browserDrawer, KEY, OneByOne, seal, unseal, type Drawer, type Sealed } from './sealed'

export interface UnsentLine {
  id: string
  text: string
  /** When it was written. */
  at: number
  picture: Blob | null
}

interface Kept {
  at: number
  words: Sealed
  picture: Sealed | null
}

/** Longer than any visit: nobody sends what was left lying for so long. */
export const KEPT_MS = 12 * 60 * 60_000

export class UnsentLines {
  readonly #drawer: Drawer
  readonly #now: () => number
  readonly #acts = new OneByOne()

  constructor(drawer: Drawer, now: () => number) {
    this.#drawer = drawer
    this.#now = now
  }

  /** What is unsent of this visit, as it was written; what cannot be read is as good as absent. What is too old goes, whose ever it is. */
  read(visit: string): Promise<UnsentLine[]> {
    return this.#acts.run(async () => {
      const lines: UnsentLine[] = []
      for (const [name, kept] of await this.#left()) if (name.startsWith(`${visit}/`)) lines.push(...(await this.#open(name, kept)))
      return lines.sort((a, b) => a.at - b.at)
    }, [])
  }

  /** What is too old goes, also where nobody opens a conversation in this browser again. */
  sweep(): Promise<void> {
    return this.#acts.run(async () => void (await this.#left()), undefined)
  }

  keep(visit: string, { id, text, at, picture }: UnsentLine): Promise<void> {
    const name = nameOf(visit, id)
    return this.#acts.run(async () => {
      const words = await seal(this.#drawer, name, new TextEncoder().encode(JSON.stringify({ text, type: picture?.type ?? '' })))
      const bytes = picture && (await seal(this.#drawer, name, await picture.arrayBuffer()))
      await this.#drawer.put(name, { at, words, picture: bytes } satisfies Kept)
    }, undefined)
  }

  /** The server has it, or it is to go nowhere. */
  drop(visit: string, id: string): Promise<void> {
    return this.#acts.run(() => this.#drawer.remove(nameOf(visit, id)), undefined)
  }

  /** The visit is over. */
  end(visit: string): Promise<void> {
    return this.#acts.run(async () => {
      for (const name of await this.#drawer.names()) if (name.startsWith(`${visit}/`)) await this.#drawer.remove(name)
    }, undefined)
  }

  /** Forgets everything, and the key with it. */
  forget(): Promise<void> {
    return this.#acts.run(() => this.#drawer.clear(), undefined)
  }

  /** What is not too old; the rest is gone with this. */
  async #left(): Promise<[name: string, kept: Kept][]> {
    const left: [string, Kept][] = []
    for (const name of await this.#drawer.names()) {
      if (name === KEY) continue
      const kept = (await this.#drawer.get(name)) as Kept
      if (this.#now() - kept.at >= KEPT_MS) await this.#drawer.remove(name)
      else left.push([name, kept])
    }
    return left
  }

  async #open(name: string, { at, words, picture }: Kept): Promise<UnsentLine[]> {
    try {
      const { text, type } = JSON.parse(new TextDecoder().decode(await unseal(this.#drawer, name, words))) as { text: string; type: string }
      const bytes = picture && (await unseal(this.#drawer, name, picture))
      return [{ id: name.split('/')[1] ?? '', text, at, picture: bytes && new Blob([bytes], { type }) }]
    } catch {
      return []
    }
  }
}

function nameOf(visit: string, id: string): string {
  return `${visit}/${id}`
}

let lines: UnsentLines | null = null
/** The unsent lines of this browser. */
export function unsentLines(): UnsentLines {
  return (lines ??= new UnsentLines(browserDrawer('yunzhen-unsent', 'unsent'), () => Date.now()))
}
