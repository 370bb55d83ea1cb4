import { onScopeDispose, ref, watch, type Ref } from 'vue'

/** A line that is back within this was hardly missed: a word that comes and goes frightens more than it tells, and moves the picture. */
export const LASTING_MS = 1_000

/** Whether something has been so for a moment; that it is over is true at once. */
export function useLasting(is: () => boolean): Readonly<Ref<boolean>> {
  const lasts = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(is, (now) => {
    clearTimeout(timer)
    if (now) timer = setTimeout(() => (lasts.value = true), LASTING_MS)
    else lasts.value = false
  }, { immediate: true, flush: 'sync' })
  onScopeDispose(() => clearTimeout(timer))
  return lasts
}
