import { computed, onUnmounted, watch, type ComputedRef, type Ref } from 'vue'
import { ring } from './sound'

/** Whether the desk rings at a patient who is not in the call now; it is heard and felt as long as that is so. */
export function useRecalled(until: () => number | null, isAway: () => boolean, now: Ref<number>): ComputedRef<boolean> {
  const rings = computed(() => isAway() && (until() ?? 0) > now.value)
  let stop: (() => void) | null = null
  watch(
    rings,
    (on) => {
      stop?.()
      stop = on ? ring() : null
    },
    { immediate: true },
  )
  onUnmounted(() => stop?.())
  return rings
}
