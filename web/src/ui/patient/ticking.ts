import { onUnmounted, ref, type Ref } from 'vue'

/** The time of the server, every second. A phone's own clock may be hours off. */
export function useServerNow(offset: Ref<number>): Ref<number> {
  const now = ref(Date.now() + offset.value)
  const timer = setInterval(() => (now.value = Date.now() + offset.value), 1000)
  onUnmounted(() => clearInterval(timer))
  return now
}
