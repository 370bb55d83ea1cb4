// An answer of the server that has arrived whole. A body can break off long after its head came.

type Part = Uint8Array<ArrayBuffer>

export class Answer {
  readonly ok: boolean
  readonly status: number
  readonly headers: Headers
  /** What its first line said. */
  readonly said: string
  readonly #parts: readonly Part[]

  constructor({ ok, status, headers, statusText }: Response, parts: readonly Part[]) {
    this.ok = ok
    this.status = status
    this.headers = headers
    this.said = statusText
    this.#parts = parts
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0
  }
  text(): string {
    const decoder = new TextDecoder()
    return this.#parts.map((part) => decoder.decode(part, { stream: true })).join('') + decoder.decode()
  }
  blob(): Blob {
    return new Blob([...this.#parts], { type: this.headers.get('Content-Type') ?? '' })
  }
}

/** The body, however long it lasts; when nothing more of it comes for `stallMs`, it is hung up. `null`: it was cut off. */
export async function partsOf({ body }: Response, controller: AbortController, stallMs: number): Promise<Part[] | null> {
  const parts: Part[] = []
  if (controller.signal.aborted) return null
  if (body === null) return parts
  const reader = body.getReader()
  const leave = (): void => void reader.cancel().catch(() => undefined)
  controller.signal.addEventListener('abort', leave)
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    for (;;) {
      timer = setTimeout(() => controller.abort(), stallMs)
      const { done, value } = await reader.read()
      clearTimeout(timer)
      // What is hung up ends as if it were whole.
      if (done) return controller.signal.aborted ? null : parts
      if (value.length > 0) parts.push(value)
    }
  } catch {
    return null
  } finally {
    clearTimeout(timer)
    controller.signal.removeEventListener('abort', leave)
  }
}
