// What somebody typed into the conversation of a visit and did not send. It outlives a reload of this tab and nothing else:
// never in `localStorage`, for a machine may be shared.

/** What of a storage is used here. */
export type Words = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>

const PREFIX = 'yunzhen.typed.'

export class TypedWords {
  readonly #words: Words

  constructor(words: Words) {
    this.#words = words
  }

  /** What was typed at this visit by this person. Of others nothing is left then: a tab is in one conversation. */
  open(visit: string): string {
    return safely(() => {
      this.#drop((name) => name !== PREFIX + visit)
      return this.#words.getItem(PREFIX + visit)
    }) ?? ''
  }

  keep(visit: string, text: string): void {
    safely(() => (text === '' ? this.#words.removeItem(PREFIX + visit) : this.#words.setItem(PREFIX + visit, text)))
  }

  /** Forgets everything: somebody signs out. */
  forget(): void {
    safely(() => this.#drop(() => true))
  }

  #drop(which: (name: string) => boolean): void {
    const names = Array.from({ length: this.#words.length }, (_, index) => this.#words.key(index) ?? '')
    for (const name of names) if (name.startsWith(PREFIX) && which(name)) this.#words.removeItem(name)
  }
}

// Storage may be forbidden or full: what is typed then lasts as long as the page.
function safely<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}

/** The typed words of this tab. */
export function typedWords(): TypedWords {
  return new TypedWords(sessionStorage)
}
