/**
 * Reads one at a time. Who asks while it is being read has it read once more afterwards: what is under way may have been answered
 * before what they heard of happened. Done when nothing newer is wanted.
 */
export function newest(read: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  let isStale = false
  async function readOn(): Promise<void> {
    try {
      do {
        isStale = false
        await read()
      } while (isStale)
    } finally {
      // In the same breath as the last look at `isStale`: nobody asks in between.
      running = null
    }
  }
  return () => {
    if (running) isStale = true
    return (running ??= readOn())
  }
}
