/** Longer than this nobody waits for a tab that was put to sleep in the middle. */
const PATIENCE_MS = 5_000

/** One tab at a time does what `name` stands for; where the browser has no locks, each does it when it likes. */
export async function alone<T>(name: string, act: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const locks = (navigator as Partial<Navigator>).locks
  if (!locks) return act()
  let begun: Promise<T> | null = null
  const impatience = new AbortController()
  const timer = setTimeout(() => impatience.abort(), patienceMs)
  try {
    return await locks.request(name, { signal: impatience.signal }, () => {
      clearTimeout(timer)
      return (begun = act())
    })
  } catch {
    // What began fails for its own reason; what did not is done without the lock.
    return await (begun ?? act())
  } finally {
    clearTimeout(timer)
  }
}
