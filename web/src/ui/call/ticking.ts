import { onUnmounted, ref, type Ref } from 'vue'

/** The time, once a second, while a component is shown. */
export function useSeconds(now: () => number = Date.now): Ref<number> {
  const time = ref(now())
  const timer = setInterval(() => (time.value = now()), 1000)
  onUnmounted(() => clearInterval(timer))
  return time
}
