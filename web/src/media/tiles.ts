// How large each received picture is shown, so that nobody sends more pixels than are seen.

/** Heights are told in steps: a tile that grows by a pixel wants no other picture. */
const STEP = 60

export class Tiles {
  readonly #shown = new Map<HTMLElement, MediaStream>()
  readonly #observer: ResizeObserver
  readonly #changed: () => void

  constructor(changed: () => void, observe: (act: () => void) => ResizeObserver = (act) => new ResizeObserver(act)) {
    this.#changed = changed
    this.#observer = observe(changed)
  }

  /** `element` shows `stream` from now on; nothing with `null`. */
  show(element: HTMLElement, stream: MediaStream | null): void {
    if (stream) {
      this.#shown.set(element, stream)
      this.#observer.observe(element)
    } else {
      this.#shown.delete(element)
      this.#observer.unobserve(element)
    }
    this.#changed()
  }

  /** The height of the largest tile of each track, by the track's id, in pixels of the screen. */
  heights(ratio: number): ReadonlyMap<string, number> {
    const heights = new Map<string, number>()
    for (const [element, stream] of this.#shown) {
      const height = Math.min(4320, Math.ceil((element.clientHeight * ratio) / STEP) * STEP)
      if (height === 0) continue
      for (const track of stream.getVideoTracks()) heights.set(track.id, Math.max(heights.get(track.id) ?? 0, height))
    }
    return heights
  }

  stop(): void {
    this.#observer.disconnect()
    this.#shown.clear()
  }
}
