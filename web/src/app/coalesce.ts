import { newest } from './newest'

/** Reads at once, then rests for `ms`: who asks meanwhile has it read once more afterwards, however many they are. */
export function coalesce(read: () => Promise<void>, ms: number): { run: () => void; stop: () => void } {
  let isStopped = false
  const readAndRest = newest(async () => {
    if (isStopped) return
    try {
      await read()
    } finally {
      await new Promise((resolve) => setTimeout(resolve, ms))
    }
  })
  return { run: () => void readAndRest(), stop: () => void (isStopped = true) }
}
