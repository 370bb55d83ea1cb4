// Another network: told by the browser where it knows, which a telephone does.

interface NetworkInformation extends EventTarget {
  /** `wifi`, `cellular`…; only telephones tell it. */
  type?: string
}

/** Calls `moved` whenever the device comes into another network, or into one at all, until stopped. */
export function watchNetwork(moved: () => void): () => void {
  const network = (navigator as { connection?: NetworkInformation }).connection
  let last = network?.type
  // The same event tells of every new estimate of speed.
  const changed = (): void => {
    const now = network?.type
    const isOther = now !== last && now !== 'none'
    last = now
    if (isOther) moved()
  }
  network?.addEventListener?.('change', changed)
  window.addEventListener('online', moved)
  return () => {
    network?.removeEventListener?.('change', changed)
    window.removeEventListener('online', moved)
  }
}
