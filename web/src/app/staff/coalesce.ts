/** Runs `act` at once, then at most once every `ms`; calls in between become one at the end. Never two at a time. */
export function coalesce(act: () => Promise<void>, ms: number): { run: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | null = null
  let busy = false
  let again = false
  let stopped = false
  function run(): void {
    if (stopped) return
    if (timer !== null || busy) {
      again = true
      return
    }
    again = false
    busy = true
    void act().finally(() => {
      busy = false
      if (stopped) return
      timer = setTimeout(() => {
        timer = null
        if (again) run()
      }, ms)
    })
  }
  return {
    run,
    stop() {
      stopped = true
      if (timer !== null) clearTimeout(timer)
    },
  }
}
