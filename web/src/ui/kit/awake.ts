import { onMounted, onUnmounted } from 'vue'

/** Keeps the screen on while a screen that may be called is shown; asks again when the page is seen again. */
export function useWakeLock(): void {
  let lock: WakeLockSentinel | null = null
  async function hold(): Promise<void> {
    if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return
    lock = await navigator.wakeLock.request('screen').catch(() => null)
  }
  onMounted(() => {
    void hold()
    document.addEventListener('visibilitychange', hold)
  })
  onUnmounted(() => {
    document.removeEventListener('visibilitychange', hold)
    void lock?.release().catch(() => undefined)
  })
}
