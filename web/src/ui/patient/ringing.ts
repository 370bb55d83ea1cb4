import { onMounted, onUnmounted, watch } from 'vue'
import { ring } from '@/ui/kit/sound'

/** While somebody calls, the page rings, shakes, and flashes the title of its tab. */
export function useRinging(calls: () => boolean, words: () => string): void {
  let stop: (() => void) | null = null
  let flash: ReturnType<typeof setInterval> | undefined
  let title: string | null = null
  function quiet(): void {
    stop?.()
    stop = null
    clearInterval(flash)
    if (title !== null) document.title = title
    title = null
  }
  function loud(): void {
    stop = ring()
    title = document.title
    let on = false
    flash = setInterval(() => {
      on = !on
      document.title = on ? `● ${words()}` : (title ?? '')
    }, 900)
  }
  onMounted(() => {
    watch(calls, (is) => {
      quiet()
      if (is) loud()
    }, { immediate: true })
  })
  onUnmounted(quiet)
}
