// The sound of an alarm: two falling tones, again and again until somebody takes it.
import { onUnmounted, ref, watch, type Ref } from 'vue'

let context: AudioContext | null = null

/** Whether the browser lets this page ring. It must be asked inside a press. */
export const sirenReady = ref(false)

export async function allowSiren(): Promise<void> {
  try {
    context ??= new AudioContext()
    await context.resume()
    sirenReady.value = context.state === 'running'
  } catch {
    sirenReady.value = false
  }
}

export function staffAudio(): AudioContext | null {
  return context
}

/** One signal, for what waits without a patient on the line. */
export const soundOnce = (): void => once()

function once(): void {
  if (context?.state !== 'running') return
  const start = context.currentTime
  for (const [after, from, to] of [[0, 988, 740], [0.5, 988, 740]] as const) {
    const tone = context.createOscillator()
    const gain = context.createGain()
    tone.frequency.setValueAtTime(from, start + after)
    tone.frequency.exponentialRampToValueAtTime(to, start + after + 0.35)
    gain.gain.setValueAtTime(0.0001, start + after)
    gain.gain.exponentialRampToValueAtTime(0.4, start + after + 0.02)
    gain.gain.exponentialRampToValueAtTime(0.0001, start + after + 0.4)
    tone.connect(gain).connect(context.destination)
    tone.start(start + after)
    tone.stop(start + after + 0.45)
  }
}

/** Rings while `ringing`. The first press anywhere on the page allows it. */
export function useSiren(ringing: Ref<boolean>): void {
  let timer: ReturnType<typeof setInterval> | undefined
  const allow = (): void => void allowSiren()
  window.addEventListener('pointerdown', allow, { once: true })
  window.addEventListener('keydown', allow, { once: true })
  // A browser may allow it without a press, where this site has rung before.
  void allowSiren()
  watch(
    [ringing, sirenReady],
    ([on, ready]) => {
      clearInterval(timer)
      if (!on || !ready) return
      once()
      timer = setInterval(once, 1600)
    },
    { immediate: true },
  )
  onUnmounted(() => {
    clearInterval(timer)
    window.removeEventListener('pointerdown', allow)
    window.removeEventListener('keydown', allow)
  })
}
